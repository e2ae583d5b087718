// Coarse time: what deadlines are counted in.
#pragma once

#include <cstdint>

namespace wsd {

// Counts up from an arbitrary start; never wraps.
using Tick = std::uint64_t;

inline constexpr std::uint32_t kTickMs = 10;

// The least number of ticks that last at least `ms` milliseconds.
[[nodiscard]] constexpr Tick ticks_for_ms(std::uint64_t ms) noexcept {
  return static_cast<Tick>((ms + kTickMs - 1) / kTickMs);
}

}  // namespace wsd
