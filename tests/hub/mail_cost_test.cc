#include "hub/mail_cost.h"

#include <gtest/gtest.h>

#include <limits>

namespace wsd::hub {
namespace {

TEST(MailCost, SmallMessages_ReachTheLimitAtTheirNumber) {
  for (const std::uint32_t messages : {1U, 2U, 3U, 7U, 1000U, 65'536U}) {
    const MailCost costs(messages, std::uint64_t{64} << 20);
    EXPECT_EQ(messages * costs.of(1, 1), costs.limit()) << messages;
    EXPECT_EQ(costs.of(messages, 0), costs.limit()) << messages;
  }
}

TEST(MailCost, LargeMessages_ReachTheLimitAtTheirBytes) {
  const MailCost costs(65'536, std::uint64_t{64} << 20);
  EXPECT_EQ(costs.of(1, 16 << 20), 16U << 20);
  EXPECT_EQ(4 * costs.of(1, 16 << 20), costs.limit());
}

TEST(MailCost, NeitherLimitIsExceeded) {
  for (const std::uint32_t messages : {1U, 3U, 7U, 99U, 65'536U, 1'000'000U}) {
    for (const std::uint64_t bytes : {100'000U, 100'003U, 1U << 20, 64U << 20}) {
      const MailCost costs(messages, bytes);
      EXPECT_LE(costs.limit(), bytes);
      EXPECT_GT(costs.of(messages + 1, 0), costs.limit()) << messages << ' ' << bytes;
      EXPECT_GT(costs.of(1, bytes + 1), costs.limit());
      EXPECT_GE(costs.of(1, bytes), costs.limit());
      EXPECT_GT(costs.limit(), bytes - bytes / 100 - 1) << messages << ' ' << bytes;
    }
  }
}

TEST(MailCost, MoreMessagesThanBytes_LimitsTheBytes) {
  const MailCost costs(std::numeric_limits<std::uint32_t>::max(), 1000);
  EXPECT_EQ(costs.limit(), 1000U);
  EXPECT_EQ(costs.of(1, 0), 1U) << "mail is never free";
  EXPECT_EQ(costs.of(1, 999), 999U);
}

}  // namespace
}  // namespace wsd::hub
