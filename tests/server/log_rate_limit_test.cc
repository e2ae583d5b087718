#include "server/log_rate_limit.h"

#include <gtest/gtest.h>

namespace wsd::server {
namespace {

TEST(LogRateLimit, AboveTheRate_EntriesAreSuppressedAndCounted) {
  LogRateLimit limit;
  std::uint64_t suppressed = 99;
  for (std::uint32_t i = 0; i < LogRateLimit::kMostPerSecond; ++i) {
    EXPECT_TRUE(limit.take(5'999, suppressed));
    EXPECT_EQ(suppressed, 0U);
  }
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(limit.take(5'999, suppressed));
  EXPECT_TRUE(limit.take(6'000, suppressed));
  EXPECT_EQ(suppressed, 7U);
  EXPECT_TRUE(limit.take(6'000, suppressed));
  EXPECT_EQ(suppressed, 0U);
}

TEST(RefusalLogLimits, NoCauseHidesAnother) {
  RefusalLogLimits limits;
  std::uint64_t suppressed = 0;
  for (std::uint32_t i = 0; i < RefusalLogLimits::kMostRefusals; ++i) {
    EXPECT_TRUE(limits.of(CloseCause::kHandshakeRejected).take(1'000, suppressed));
  }
  EXPECT_FALSE(limits.of(CloseCause::kHandshakeRejected).take(1'999, suppressed));
  EXPECT_TRUE(limits.of(CloseCause::kProxyHeader).take(1'999, suppressed));
  EXPECT_TRUE(limits.of(CloseCause::kHandshakeRejected).take(2'000, suppressed));
  EXPECT_EQ(suppressed, 1U);
}

}  // namespace
}  // namespace wsd::server
