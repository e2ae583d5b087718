// A token bucket: allows a number of tokens per second. Tokens not used within one second expire.
// Tokens for a time in which the client could not use them are added separately, by credit().
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
  static constexpr Tick kMostCredit = ticks_for_ms(60'000);

  TokenBucket() = default;
  // Starts full.
  TokenBucket(std::uint64_t per_second, Tick now) noexcept
      : level_(per_second * kTicks), filled_(now) {}

  // Takes `count` tokens and returns true. If there are fewer, takes none and returns false. `now`
  // must never decrease.
  [[nodiscard]] bool take(std::uint64_t count, std::uint64_t per_second, Tick now) noexcept {
    fill(per_second, now);
    if (count > kMostPerSecond || count * kTicks > level_) return false;
    level_ -= count * kTicks;
    return true;
  }

  // Adds the tokens of `ticks`, during which the client could not use its tokens, beyond those of
  // one second. `ticks` must not be counted by `now` as well. A bucket never has more than the
  // tokens of one second and those of kMostCredit. Credit that is not used expires with the other
  // tokens: one second after the last call.
  void credit(Tick ticks, std::uint64_t per_second, Tick now) noexcept {
    fill(per_second, now);
    level_ = std::min(level_ + per_second * std::min(ticks, kMostCredit),
                      per_second * (kTicks + kMostCredit));
  }
  // Treats `now` as the time of the last call, without adding tokens for the time until then. For a
  // time that credit() covers.
  void skip_to(Tick now) noexcept { filled_ = now; }

  // Returns the ticks from `now` until take(1) would succeed. 0 means at once.
  [[nodiscard]] Tick ticks_until_one(std::uint64_t per_second, Tick now) const noexcept {
    TokenBucket filled = *this;
    filled.fill(per_second, now);
    const std::uint64_t level = filled.level_;
    return level >= kTicks ? 0 : (kTicks - level + per_second - 1) / per_second;
  }

 private:
  static constexpr Tick kTicks = ticks_for_ms(1000);  // in one second

  void fill(std::uint64_t per_second, Tick now) noexcept {
    const Tick ticks = std::min<Tick>(now - filled_, kTicks);
    filled_ = now;
    const std::uint64_t full = per_second * kTicks;
    // A level above the tokens of one second, which credit() creates, stays while it is being used.
    if (level_ <= full || ticks == kTicks) level_ = std::min(level_ + per_second * ticks, full);
  }

  std::uint64_t level_ = 0;  // in tokens / kTicks
  Tick filled_ = 0;
};

}  // namespace wsd
