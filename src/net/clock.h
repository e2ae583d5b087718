// The clocks. The simulation replaces them at link time.
#pragma once

#include <cstdint>

#include "base/tick.h"

namespace wsd::net {

// Returns CLOCK_MONOTONIC in nanoseconds. Any thread.
[[nodiscard]] std::uint64_t monotonic_ns() noexcept;
[[nodiscard]] inline std::uint64_t monotonic_ms() noexcept { return monotonic_ns() / 1'000'000; }

// Returns milliseconds since 1970-01-01 00:00 UTC. May jump; for people, not for deadlines. Any
// thread.
[[nodiscard]] std::uint64_t wall_clock_ms() noexcept;

[[nodiscard]] inline Tick tick_of(std::uint64_t ms) noexcept { return ms / kTickMs; }

}  // namespace wsd::net
