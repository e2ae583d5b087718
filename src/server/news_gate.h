// So that what happens very often is said in the log a few times a second.
#pragma once

#include <atomic>
#include <cstdint>

namespace wsd::server {

// Any thread.
class NewsGate {
 public:
  static constexpr std::uint32_t kMostPerSecond = 10;

  // Whether this one is to be said; then `unsaid` is how many before it were not. A race may let
  // one more or one fewer through.
  [[nodiscard]] bool take(std::uint64_t now_ms, std::uint64_t& unsaid) noexcept {
    const std::uint64_t second = now_ms / 1000;
    if (second_.exchange(second, std::memory_order_relaxed) != second) {
      said_.store(0, std::memory_order_relaxed);
    }
    if (said_.fetch_add(1, std::memory_order_relaxed) >= kMostPerSecond) {
      unsaid_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    unsaid = unsaid_.exchange(0, std::memory_order_relaxed);
    return true;
  }

 private:
  // Relaxed: statistics, they order nothing.
  std::atomic<std::uint64_t> second_{~std::uint64_t{0}};
  std::atomic<std::uint64_t> said_{0};
  std::atomic<std::uint64_t> unsaid_{0};
};

}  // namespace wsd::server
