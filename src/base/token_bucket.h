// A token bucket: allows a number of tokens per second. Tokens not used within one second expire.
//
// J. Turner, "New Directions in Communications" (1986), with integers. The level counts hundredths
// of a token, because a tick is a hundredth of one second. This way no rate loses anything to
// rounding.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/tick.h"

namespace wsd {

// The rate is the same for many buckets, so each call passes it: from 1 to kMostPerSecond.
class TokenBucket {
 public:
  static constexpr std::uint64_t kMostPerSecond = std::uint64_t{1} << 50;

  TokenBucket() = default;
  // Starts full.
  TokenBucket(std::uint64_t per_second, Tick now) noexcept
      : level_(per_second * kTicks), filled_(now) {}

  // Takes `count` tokens and returns true. If there are fewer, takes none and returns false. `now`
  // must never decrease.
  [[nodiscard]] bool take(std::uint64_t count, std::uint64_t per_second, Tick now) noexcept {
    const Tick ticks = std::min<Tick>(now - filled_, kTicks);
    filled_ = now;
    // A level above the tokens of one second, which credit() creates, stays until it is used.
    level_ = std::max(level_, std::min(level_ + per_second * ticks, per_second * kTicks));
    if (count > kMostPerSecond || count * kTicks > level_) return false;
    level_ -= count * kTicks;
    return true;
  }

  // Adds tokens for the time since the last call, even beyond those of one second. Call it after a
  // time in which the client could not use its tokens.
  void credit(std::uint64_t per_second, Tick now) noexcept {
    constexpr std::uint64_t kMostLevel = std::uint64_t{1} << 62;
    const std::uint64_t most_ticks = (kMostLevel - level_) / per_second;
    level_ += per_second * std::min<Tick>(now - filled_, most_ticks);
    filled_ = now;
  }

  // Returns the ticks from `now` until take(1) would succeed. 0 means at once.
  [[nodiscard]] Tick ticks_until_one(std::uint64_t per_second, Tick now) const noexcept {
    const std::uint64_t level = level_ + per_second * std::min<Tick>(now - filled_, kTicks);
    return level >= kTicks ? 0 : (kTicks - level + per_second - 1) / per_second;
  }

 private:
  static constexpr Tick kTicks = ticks_for_ms(1000);  // in one second

  std::uint64_t level_ = 0;  // in tokens / kTicks
  Tick filled_ = 0;
};

}  // namespace wsd
