// The number of references to an object that several threads share.
#pragma once

#include <atomic>
#include <cstdint>

namespace wsd {

// Starts at one, the creator's reference. Any thread that has a reference may add another or drop
// its own.
//
// Atomic is a parameter, so that a model checker can run this code unchanged.
template <template <class> class Atomic = std::atomic>
class BasicReferenceCount {
 public:
  BasicReferenceCount() = default;
  BasicReferenceCount(const BasicReferenceCount&) = delete;
  BasicReferenceCount& operator=(const BasicReferenceCount&) = delete;

  // Relaxed, because a reference is only copied from another one, which keeps the object alive.
  void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }

  // Returns true for the last reference: the caller must then destroy the object. Release: this
  // thread's accesses happen before the destruction. Acquire: the destroying thread sees the
  // accesses of all other threads.
  [[nodiscard]] bool drop() noexcept { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  // Returns whether the caller has the only reference.
  [[nodiscard]] bool is_one() const noexcept { return count_.load(std::memory_order_relaxed) == 1; }

 private:
  Atomic<std::uint32_t> count_{1};
};

using ReferenceCount = BasicReferenceCount<>;

}  // namespace wsd
