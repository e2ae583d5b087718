// Coarse time, in which deadlines are counted.
#pragma once

#include <cstdint>

namespace wsd {

// Counts up from an arbitrary start and never wraps.
using Tick = std::uint64_t;

inline constexpr std::uint32_t kTickMs = 10;

// Returns the smallest number of ticks that last at least `ms` milliseconds.
[[nodiscard]] constexpr Tick ticks_for_ms(std::uint64_t ms) noexcept {
  return static_cast<Tick>((ms + kTickMs - 1) / kTickMs);
}

// A tick in four bytes, for values that every connection stores. near() needs the current tick, and
// is right if the two are at most 2^31 ticks (248 days) apart.
class ShortTick {
 public:
  constexpr ShortTick() = default;
  constexpr ShortTick(Tick tick) noexcept  // NOLINT(google-explicit-constructor): it is that tick
      : low_(static_cast<std::uint32_t>(tick)) {}

  [[nodiscard]] constexpr Tick near(Tick now) const noexcept {
    const auto distance = static_cast<std::int32_t>(low_ - static_cast<std::uint32_t>(now));
    return now + static_cast<Tick>(static_cast<std::int64_t>(distance));
  }
  // Returns how long ago the tick was. Right up to 2^32 ticks (497 days), unlike near().
  [[nodiscard]] constexpr Tick age(Tick now) const noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint32_t>(now) - low_);
  }

 private:
  std::uint32_t low_ = 0;
};

}  // namespace wsd
