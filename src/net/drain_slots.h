// How a drain spreads its Closes, so that their peers do not come back as a herd.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/tick.h"

namespace wsd::net {

// What all reactors of a process know of a drain, so that each has the same window.
struct DrainPlan {
  Tick window = 0;
  std::uint32_t reactors = 1;
};

// At most a millisecond for each connection of the process: a server with few of them is quick.
[[nodiscard]] constexpr Tick drain_window(Tick longest, std::size_t connections) noexcept {
  return std::min<Tick>(longest, ticks_for_ms(connections));
}

// How long after the drain's begin number `i` of the `count` connections of that reactor is told.
// Each reactor fills the whole window evenly, and reactors take turns: the sum over them is as
// even.
[[nodiscard]] constexpr Tick drain_slot(const DrainPlan& plan, std::uint32_t reactor, std::size_t i,
                                        std::size_t count) noexcept {
  const std::uint64_t slots = std::uint64_t{count} * plan.reactors;
  return slots == 0 ? 0 : plan.window * (std::uint64_t{i} * plan.reactors + reactor) / slots;
}

}  // namespace wsd::net
