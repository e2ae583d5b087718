// Limits the log entries of frequent events.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "wsd/close.h"

namespace wsd::server {

// Allows a number of log entries per second. Any thread.
class LogRateLimit {
 public:
  static constexpr std::uint32_t kMostPerSecond = 10;

  explicit LogRateLimit(std::uint32_t most_per_second = kMostPerSecond) noexcept
      : most_(most_per_second) {}

  // Returns whether to write this entry. If so, sets `suppressed` to the number of entries that
  // were suppressed before it. A race may allow one entry more or one fewer.
  [[nodiscard]] bool take(std::uint64_t now_ms, std::uint64_t& suppressed) noexcept {
    const std::uint64_t second = now_ms / 1000;
    if (second_.exchange(second, std::memory_order_relaxed) != second) {
      said_.store(0, std::memory_order_relaxed);
    }
    if (said_.fetch_add(1, std::memory_order_relaxed) >= most_) {
      unsaid_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    suppressed = unsaid_.exchange(0, std::memory_order_relaxed);
    return true;
  }

 private:
  const std::uint32_t most_;
  // Relaxed: these are statistics and order nothing.
  std::atomic<std::uint64_t> second_{~std::uint64_t{0}};
  std::atomic<std::uint64_t> said_{0};
  std::atomic<std::uint64_t> unsaid_{0};
};

// One limit for each cause that ends a connection before it is open. A flood of rejected requests
// then neither fills the log nor hides other causes.
class RefusalLogLimits {
 public:
  static constexpr std::uint32_t kMostRefusals = 100;

  [[nodiscard]] LogRateLimit& of(CloseCause cause) noexcept {
    return gates_[static_cast<std::size_t>(cause)];
  }

 private:
  struct Gate : LogRateLimit {
    Gate() noexcept : LogRateLimit(kMostRefusals) {}
  };
  std::array<Gate, kCloseCauseCount> gates_;
};

}  // namespace wsd::server
