// Counts the batches that home shards have posted to one shard and that it has not sent yet, so
// that a home shard can wait for the end of the sends (shard_pace.cc).
//
//      home: waiters |= me;  read unsent            owner: unsent -= n;  read waiters
//
// The sequentially consistent operations have a single order, in which at least one of the two
// reads comes after the matching write, as in flow_gate.h. So a home shard that waits is woken. A
// home shard adds its own batches before it waits, so it sees them. It may miss the batches of
// others, which it need not wait for.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wsd::hub {

class FanOutGate {
 public:
  FanOutGate() = default;
  FanOutGate(const FanOutGate&) = delete;
  FanOutGate& operator=(const FanOutGate&) = delete;

  // Counts a batch in, before a home shard posts it.
  void add() noexcept { unsent_.fetch_add(1, std::memory_order_relaxed); }

  // Returns true if every batch has been sent. Otherwise `waiter`, the index of the calling shard,
  // is registered, and the owner wakes it. A wake-up without need is possible and harmless.
  [[nodiscard]] bool is_done(unsigned waiter) noexcept {
    if (unsent_.load(std::memory_order_relaxed) == 0) return true;
    waiters_.fetch_or(std::uint64_t{1} << waiter, std::memory_order_seq_cst);
    return unsent_.load(std::memory_order_seq_cst) == 0;
  }

  // Owner only. Counts `n` batches out, after the owner sent them. Returns the shards that the
  // owner must wake now, one bit each.
  [[nodiscard]] std::uint64_t done(std::uint64_t n) noexcept {
    unsent_.fetch_sub(n, std::memory_order_seq_cst);
    if (waiters_.load(std::memory_order_seq_cst) == 0) return 0;
    return waiters_.exchange(0, std::memory_order_seq_cst);
  }

 private:
  // On a cache line of its own, because other threads write it.
  static constexpr std::size_t kCacheLine = 64;
  alignas(kCacheLine) std::atomic<std::uint64_t> unsent_{0};
  std::atomic<std::uint64_t> waiters_{0};
};

}  // namespace wsd::hub
