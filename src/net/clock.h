// The one door to time; replaced at link time by the simulation.
#pragma once

#include <cstdint>

#include "base/tick.h"

namespace wsd::net {

// CLOCK_MONOTONIC in nanoseconds. Any thread.
[[nodiscard]] std::uint64_t monotonic_ns() noexcept;
[[nodiscard]] inline std::uint64_t monotonic_ms() noexcept { return monotonic_ns() / 1'000'000; }

// Milliseconds since 1970-01-01 00:00 UTC, for people: it may jump. Any thread.
[[nodiscard]] std::uint64_t wall_clock_ms() noexcept;

[[nodiscard]] inline Tick tick_of(std::uint64_t ms) noexcept { return ms / kTickMs; }

}  // namespace wsd::net
