#include "base/tick.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace wsd {
namespace {

TEST(Tick, TicksForMs_RoundsUp) {
  for (std::uint64_t ms = 0; ms <= 10'000; ++ms) {
    const Tick ticks = ticks_for_ms(ms);
    ASSERT_GE(ticks * kTickMs, ms);
    if (ticks > 0) {
      ASSERT_LT((ticks - 1) * kTickMs, ms);
    }
  }
}

TEST(Tick, Longest32BitDuration_DoesNotWrap) {
  constexpr std::uint64_t kLongest = 0xFFFFFFFF;
  EXPECT_EQ(ticks_for_ms(kLongest), (kLongest + kTickMs - 1) / kTickMs);
  EXPECT_GE(ticks_for_ms(kLongest) * kTickMs, kLongest);
  static_assert(ticks_for_ms(0) == 0);
  static_assert(ticks_for_ms(1) == 1);
}

TEST(ShortTick, NamesTheTickNearestToThePresentOne) {
  constexpr Tick kEra = Tick{1} << 32;
  constexpr Tick kHalf = Tick{1} << 31;
  for (const Tick now : {Tick{0}, Tick{5}, kHalf - 1, kHalf, kEra - 1, kEra, 3 * kEra + 7}) {
    for (const Tick away : {Tick{0}, Tick{1}, Tick{1000}, kHalf - 1}) {
      EXPECT_EQ(ShortTick(now + away).near(now), now + away);
      if (away <= now) {
        EXPECT_EQ(ShortTick(now - away).near(now), now - away);
        EXPECT_EQ(ShortTick(now - away).age(now), away);
      }
    }
  }
  EXPECT_EQ(ShortTick(17).age(17 + kEra - 1), kEra - 1);
}

}  // namespace
}  // namespace wsd
