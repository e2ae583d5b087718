// A number that one thread changes and any thread may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace wsd {

// Relaxed, because each counter stands alone and orders no other access. Only one thread writes, so
// adding is a load and a store, without a locked instruction.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  // Owning thread only.
  void add(std::uint64_t count) noexcept { set(value() + count); }
  void subtract(std::uint64_t count) noexcept { set(value() - count); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }

  // Any thread. The value may be out of date at once.
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace wsd
