// The times at which a drain closes connections. They are spread, so that clients do not reconnect
// all at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/tick.h"

namespace wsd::net {

// The parameters of a drain that all reactors of a process share.
struct DrainPlan {
  Tick window = 0;
  std::uint32_t reactors = 1;
};

// Returns the drain window: at most one millisecond per connection of the process, so that a small
// server drains quickly.
[[nodiscard]] constexpr Tick drain_window(Tick longest, std::size_t connections) noexcept {
  return std::min<Tick>(longest, ticks_for_ms(connections));
}

// Returns the time from the begin of the drain to the Close of connection `i` of `count` on that
// reactor. Each reactor fills the whole window evenly. The reactors' slots interleave, so that the
// sum over all reactors is even too.
[[nodiscard]] constexpr Tick drain_slot(const DrainPlan& plan, std::uint32_t reactor, std::size_t i,
                                        std::size_t count) noexcept {
  const std::uint64_t slots = std::uint64_t{count} * plan.reactors;
  return slots == 0 ? 0 : plan.window * (std::uint64_t{i} * plan.reactors + reactor) / slots;
}

}  // namespace wsd::net
