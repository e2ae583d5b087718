// Wakes a plain thread that sleeps until a count of wake-ups changes.
#pragma once

#include <atomic>
#include <cstdint>

#include "hub/shard.h"

namespace wsd::hub {

class SleepingWaker final : public Waker {
 public:
  void wake() noexcept override {
    wakes_.fetch_add(1, std::memory_order_release);
    wakes_.notify_one();
  }
  [[nodiscard]] std::uint32_t count() const { return wakes_.load(std::memory_order_acquire); }
  void sleep_unless_woken_since(std::uint32_t count) const {
    wakes_.wait(count, std::memory_order_acquire);
  }

 private:
  std::atomic<std::uint32_t> wakes_{0};
};

}  // namespace wsd::hub
