// A token bucket: so much a second, and what is not used within a second is lost.
//
// J. Turner, "New Directions in Communications" (1986), with whole numbers: the level counts
// hundredths of a token, since a tick is a hundredth of a second, so that nothing is lost by
// rounding at any rate.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/tick.h"

namespace wsd {

// The rate, which is the same for many buckets, comes with each call: 1 to kMostPerSecond.
class TokenBucket {
 public:
  static constexpr std::uint64_t kMostPerSecond = std::uint64_t{1} << 50;

  TokenBucket() = default;
  // Full.
  TokenBucket(std::uint64_t per_second, Tick now) noexcept
      : level_(per_second * kTicks), filled_(now) {}

  // Takes `count` tokens, or none and returns false where there are not as many. `now` never goes
  // back.
  [[nodiscard]] bool take(std::uint64_t count, std::uint64_t per_second, Tick now) noexcept {
    const Tick ticks = std::min<Tick>(now - filled_, kTicks);
    filled_ = now;
    // A level above a second's worth, which credit() makes, stays until it is used.
    level_ = std::max(level_, std::min(level_ + per_second * ticks, per_second * kTicks));
    if (count > kMostPerSecond || count * kTicks > level_) return false;
    level_ -= count * kTicks;
    return true;
  }

  // Fills it beyond a second's worth for the time since it was last touched, which was not its
  // user's own.
  void credit(std::uint64_t per_second, Tick now) noexcept {
    constexpr std::uint64_t kMostLevel = std::uint64_t{1} << 62;
    const std::uint64_t most_ticks = (kMostLevel - level_) / per_second;
    level_ += per_second * std::min<Tick>(now - filled_, most_ticks);
    filled_ = now;
  }

  // Ticks from `now` until take(1) would succeed; 0: at once.
  [[nodiscard]] Tick ticks_until_one(std::uint64_t per_second, Tick now) const noexcept {
    const std::uint64_t level = level_ + per_second * std::min<Tick>(now - filled_, kTicks);
    return level >= kTicks ? 0 : (kTicks - level + per_second - 1) / per_second;
  }

 private:
  static constexpr Tick kTicks = ticks_for_ms(1000);  // of a second

  std::uint64_t level_ = 0;  // in tokens / kTicks
  Tick filled_ = 0;
};

}  // namespace wsd
