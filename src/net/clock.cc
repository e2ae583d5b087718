#include "net/clock.h"

#include <ctime>

namespace wsd::net {
namespace {

std::uint64_t read_ms(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

}  // namespace

std::uint64_t monotonic_ms() noexcept { return read_ms(CLOCK_MONOTONIC); }

std::uint64_t wall_clock_ms() noexcept { return read_ms(CLOCK_REALTIME); }

}  // namespace wsd::net
