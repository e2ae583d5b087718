#include "net/clock.h"

#include <ctime>

namespace wsd::net {
namespace {

std::uint64_t read_ns(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t monotonic_ns() noexcept { return read_ns(CLOCK_MONOTONIC); }

std::uint64_t wall_clock_ms() noexcept { return read_ns(CLOCK_REALTIME) / 1'000'000; }

}  // namespace wsd::net
