// The bound on what waits for one shard.
//
// A mailbox takes everything; the gate beside it counts, and tells who feeds too much to stop.
// Items are counted in before they are pushed and counted out after they were taken.
//
// No wake-up is lost, by Dekker's argument (E. W. Dijkstra, "Cooperating sequential processes",
// EWD 123): each side writes its own word and then reads the other's,
//
//      producer: waiters |= me;  read queued        owner: queued -= n;  read waiters
//
// and in the single order of the sequentially consistent operations one of the two reads comes
// after the other side's write. Either the owner sees the waiter and wakes it, or the producer sees
// that the queue has gone down and does not wait. Where other producers have filled the queue again
// meanwhile, their items are still to leave, and it is the leave() of those that comes later in
// that order. Acquire and release are not enough: they let each side read before its own write is
// seen. The additions may be relaxed: they only make waiting more likely, and whoever adds looks
// again after registering. Who waits with nothing of its own in the queue, having asked with n ==
// 0, hangs on this order alone; who has pushed is also woken by the leave() of its own items.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"

namespace wsd::hub {

// Atomic is a parameter so that a model checker can run this very code.
template <template <class> class Atomic = std::atomic>
class BasicFlowGate {
 public:
  static constexpr unsigned kMaxWaiters = 64;  // one bit each

  // One gate has one bound: the argument above needs both sides to agree on it.
  explicit BasicFlowGate(std::uint32_t bound) noexcept : bound_(bound) {}
  BasicFlowGate(const BasicFlowGate&) = delete;
  BasicFlowGate& operator=(const BasicFlowGate&) = delete;

  // Reactor threads, before they push `n` items: always admitted. True: go on. False: the queue is
  // over its bound and `waiter` (the calling shard's number) is registered; stop reading those who
  // publish until the owner wakes this shard. A wake may also come unasked; it is harmless. With
  // n == 0 it only asks (and registers).
  [[nodiscard]] bool enter(std::uint32_t n, unsigned waiter) noexcept {
    WSD_DCHECK(waiter < kMaxWaiters);
    if (queued_.fetch_add(n, std::memory_order_relaxed) + n <= bound_) {
      return true;
    }
    waiters_.fetch_or(std::uint64_t{1} << waiter, std::memory_order_seq_cst);
    // The bit stays even where there is no need to wait: an earlier enter() of this shard may have
    // been told to wait on the strength of it.
    return queued_.load(std::memory_order_seq_cst) <= bound_ / 2;
  }

  // Any other thread, before it pushes `n` items: refused (and not counted) when the queue is at
  // its bound. A batch that begins below the bound is admitted whole, so no size is refused for
  // ever.
  [[nodiscard]] bool try_enter(std::uint32_t n) noexcept {
    std::uint64_t queued = queued_.load(std::memory_order_relaxed);
    do {
      if (queued >= bound_) {
        return false;
      }
    } while (!queued_.compare_exchange_weak(queued, queued + n, std::memory_order_relaxed,
                                            std::memory_order_relaxed));
    return true;
  }

  // Owner only, after it took `n` items. The shards it must wake now, a bit each: all that waited,
  // when the queue is at or below half its bound (not just below the bound, or they would come and
  // go with each item); else 0.
  [[nodiscard]] std::uint64_t leave(std::uint32_t n) noexcept {
    const std::uint64_t before = queued_.fetch_sub(n, std::memory_order_seq_cst);
    WSD_DCHECK(before >= n);
    if (before - n > bound_ / 2 || waiters_.load(std::memory_order_seq_cst) == 0) {
      return 0;
    }
    return waiters_.exchange(0, std::memory_order_seq_cst);
  }

  // Any thread; a moment's view, for metrics.
  [[nodiscard]] std::uint64_t queued() const noexcept {
    return queued_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t bound() const noexcept { return bound_; }

 private:
  // Away from the mailbox's word and from what is the owner's alone; the two are used together.
  static constexpr std::size_t kCacheLine = 64;
  alignas(kCacheLine) Atomic<std::uint64_t> queued_{0};
  Atomic<std::uint64_t> waiters_{0};
  const std::uint32_t bound_;
};

using FlowGate = BasicFlowGate<>;

}  // namespace wsd::hub
