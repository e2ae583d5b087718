// The clock of a simulated run.
#pragma once

#include <cstdint>

namespace wsd::sim {

class Clock {
 public:
  static void pass_ms(std::uint64_t ms) noexcept { ms_ += ms; }
  static void reset() noexcept { ms_ = 1'000; }
  [[nodiscard]] static std::uint64_t now_ms() noexcept { return ms_; }
  // `wall`: since 1970, otherwise from an arbitrary start.
  [[nodiscard]] static std::uint64_t now_ns(bool wall) noexcept {
    return (wall ? kWallStartMs + ms_ : ms_) * 1'000'000;
  }

 private:
  static constexpr std::uint64_t kWallStartMs = 1'700'000'000'000;
  inline static std::uint64_t ms_ = 1'000;
};

}  // namespace wsd::sim
