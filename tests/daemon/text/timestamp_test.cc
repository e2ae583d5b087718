#include "daemon/text/timestamp.h"

#include <gtest/gtest.h>

#include <limits>

namespace wsd::daemon {
namespace {

TEST(Timestamp, IsRfc3339InUtcWithMilliseconds) {
  EXPECT_EQ(timestamp(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(timestamp(951'827'696'789), "2000-02-29T12:34:56.789Z");
  EXPECT_EQ(timestamp(1'700'000'000'009), "2023-11-14T22:13:20.009Z");
  EXPECT_EQ(timestamp(4'102'444'799'999), "2099-12-31T23:59:59.999Z");
}

TEST(Timestamp, NumberBeyondTheYear9999_IsItsEnd) {
  EXPECT_EQ(timestamp(std::numeric_limits<std::uint64_t>::max()), "9999-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace wsd::daemon
