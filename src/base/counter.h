// A number that one thread keeps and any thread may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace wsd {

// Each is a figure by itself and orders nothing, hence relaxed; and since one thread alone writes,
// adding is a load and a store and locks no bus.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  // The owner's thread only.
  void add(std::uint64_t count) noexcept { set(value() + count); }
  void subtract(std::uint64_t count) noexcept { set(value() - count); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }

  // Any thread; a moment's view.
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace wsd
