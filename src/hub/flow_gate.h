// Limits the mail that waits for one shard.
//
// A mailbox takes every item. The gate beside it sums the costs of the items (mail_cost.h), and
// stops producers that send too much. A producer counts items in before it pushes them. The owner
// counts them out after it has taken them.
//
// No wake-up is lost, by Dekker's argument (E. W. Dijkstra, "Cooperating sequential processes",
// EWD 123). Each side writes its own word and then reads the other word:
//
//      producer: waiters |= me;  read queued        owner: queued -= n;  read waiters
//
// The sequentially consistent operations have a single order, in which at least one of the two
// reads comes after the matching write. Either the owner sees the waiter and wakes it, or the
// producer sees that the queue has shrunk and does not wait. Other producers may have filled the
// queue again in the meantime. Then the leave() of their items comes later in that order, and wakes
// the waiter.
//
// Acquire and release are not enough, because they let each side read before its own write is
// visible. The additions may be relaxed: they only make waiting more likely, and a producer that
// adds reads again after it has registered. A producer with items in the queue is also woken by the
// leave() of those items. A producer that called enter() with n == 0 may have no items there, so it
// depends on this order alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"

namespace wsd::hub {

// Atomic is a parameter, so that the model checker can run exactly this code.
template <template <class> class Atomic = std::atomic>
class BasicFlowGate {
 public:
  static constexpr unsigned kMaxWaiters = 64;  // one bit each

  // `bound` is the limit. It is constant, because the argument above needs both sides to agree on
  // it.
  explicit BasicFlowGate(std::uint64_t bound) noexcept : bound_(bound) {}
  BasicFlowGate(const BasicFlowGate&) = delete;
  BasicFlowGate& operator=(const BasicFlowGate&) = delete;

  // Counts items of the cost `n` in, before a reactor thread pushes them. They always pass. Returns
  // true if the caller may continue. Returns false if the queue exceeds the limit. Then `waiter`,
  // the index of the calling shard, is registered. The caller must stop reading from publishers
  // until the owner wakes it. A wake-up without need is possible and harmless. With n == 0, the
  // call only checks and registers.
  [[nodiscard]] bool enter(std::uint64_t n, unsigned waiter) noexcept {
    WSD_DCHECK(waiter < kMaxWaiters);
    if (queued_.fetch_add(n, std::memory_order_relaxed) + n <= bound_) {
      return true;
    }
    waiters_.fetch_or(std::uint64_t{1} << waiter, std::memory_order_seq_cst);
    // The bit stays even if the caller need not wait, because an earlier enter() of this shard may
    // have returned false and rely on the bit.
    return queued_.load(std::memory_order_seq_cst) <= bound_ / 2;
  }

  // Counts items of the cost `n` in, before any other thread pushes them. Returns false and counts
  // nothing if the queue has reached the limit. A batch that starts below the limit passes whole,
  // so no batch is too large for ever.
  [[nodiscard]] bool try_enter(std::uint64_t n) noexcept {
    std::uint64_t queued = queued_.load(std::memory_order_relaxed);
    do {
      if (queued >= bound_) {
        return false;
      }
    } while (!queued_.compare_exchange_weak(queued, queued + n, std::memory_order_relaxed,
                                            std::memory_order_relaxed));
    return true;
  }

  // Owner only. Counts items of the cost `n` out, after the owner took them. Returns the shards
  // that the owner must wake now, one bit each. If the queue is at or below half of the limit,
  // these are all registered shards; otherwise the result is 0. Half, because at the limit itself
  // the waiters would stop and continue with each item.
  [[nodiscard]] std::uint64_t leave(std::uint64_t n) noexcept {
    const std::uint64_t before = queued_.fetch_sub(n, std::memory_order_seq_cst);
    WSD_DCHECK(before >= n);
    if (before - n > bound_ / 2 || waiters_.load(std::memory_order_seq_cst) == 0) {
      return 0;
    }
    return waiters_.exchange(0, std::memory_order_seq_cst);
  }

  // Any thread. Returns a snapshot for metrics.
  [[nodiscard]] std::uint64_t queued() const noexcept {
    return queued_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t bound() const noexcept { return bound_; }

 private:
  // On another cache line than the mailbox and the data of the owner. The two words share a line,
  // because they are used together.
  static constexpr std::size_t kCacheLine = 64;
  alignas(kCacheLine) Atomic<std::uint64_t> queued_{0};
  Atomic<std::uint64_t> waiters_{0};
  const std::uint64_t bound_;
};

using FlowGate = BasicFlowGate<>;

}  // namespace wsd::hub
