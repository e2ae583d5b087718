#include "net/round_trip.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "base/name_hash.h"

namespace wsd::net {
namespace {

constexpr std::uint64_t kKey = 0x1122334455667788;

TEST(PingStamp, APongTellsHowLongItTook) {
  const PingStamp stamp(5'000'000, kKey);
  EXPECT_EQ(stamp.bytes().size(), PingStamp::kBytes);
  EXPECT_EQ(PingStamp::age_ns(stamp.bytes(), 5'000'000, kKey), 0U);
  EXPECT_EQ(PingStamp::age_ns(stamp.bytes(), 7'500'000, kKey), 2'500'000U);
}

TEST(PingStamp, TheTimeItselfDoesNotShow) {
  const PingStamp stamp(5'000'000, kKey);
  EXPECT_FALSE(PingStamp::age_ns(stamp.bytes(), 7'500'000, 0));
}

// A peer that guesses the time learns the key of the Pings, and must learn nothing else.
TEST(PingStamp, Key_IsNotTheHashKey) {
  const std::uint64_t key = process_ping_key();
  EXPECT_EQ(process_ping_key(), key);
  EXPECT_NE(key, process_hash_key().low);
  EXPECT_NE(key, process_hash_key().high);
}

TEST(PingStamp, APongThatIsNotOursTellsNothing) {
  const PingStamp stamp(5'000'000, kKey);
  const std::string bytes(as_text(stamp.bytes()));
  EXPECT_FALSE(PingStamp::age_ns({}, 6'000'000, kKey));
  EXPECT_FALSE(PingStamp::age_ns(as_bytes(bytes.substr(1)), 6'000'000, kKey));
  EXPECT_FALSE(PingStamp::age_ns(as_bytes(bytes + "x"), 6'000'000, kKey));
  EXPECT_FALSE(PingStamp::age_ns(stamp.bytes(), 4'999'999, kKey)) << "sent in the future";
  EXPECT_FALSE(PingStamp::age_ns(stamp.bytes(), 5'000'000 + 3'600'000'000'001, kKey));
}

TEST(RoundTrip, NoneIsKnownAtFirst) { EXPECT_EQ(RoundTrip().us(), 0U); }

TEST(RoundTrip, SmallOnesAreExactAndNoneIsZero) {
  EXPECT_EQ(RoundTrip(0).us(), 1U);
  for (std::uint64_t us = 1; us < 16; ++us) EXPECT_EQ(RoundTrip(us).us(), us);
}

TEST(RoundTrip, IsWithinSevenPercentAndNeverFallsAsTheTimeRises) {
  std::uint64_t last = 0;
  for (std::uint64_t us = 1; us < 10'000'000'000; us += us / 50 + 1) {
    const std::uint64_t kept = RoundTrip(us).us();
    EXPECT_GE(kept, last);
    EXPECT_LE(kept > us ? kept - us : us - kept, us * 7 / 100) << us;
    last = kept;
  }
}

TEST(RoundTrip, TheLongestStands) {
  const RoundTrip longest(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(longest.us(), std::uint64_t{15} << 30);
  EXPECT_EQ(sizeof(RoundTrip), 1U);
}

}  // namespace
}  // namespace wsd::net
