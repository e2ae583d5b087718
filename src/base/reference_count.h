// How many references there are to what several threads share.
#pragma once

#include <atomic>
#include <cstdint>

namespace wsd {

// Begins at one, the maker's. Any thread that has a reference may add one or drop its own.
//
// Atomic is a parameter so that a model checker can run this very code.
template <template <class> class Atomic = std::atomic>
class BasicReferenceCount {
 public:
  BasicReferenceCount() = default;
  BasicReferenceCount(const BasicReferenceCount&) = delete;
  BasicReferenceCount& operator=(const BasicReferenceCount&) = delete;

  // Relaxed: a reference is only copied from another that keeps alive what both refer to.
  void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }

  // True for the last one: who hears it ends what was shared.
  // Release: what this thread read happens before that end. Acquire: the thread that ends it sees
  // that every other one has finished.
  [[nodiscard]] bool drop() noexcept { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  // Whether the caller's reference is the only one.
  [[nodiscard]] bool is_one() const noexcept { return count_.load(std::memory_order_relaxed) == 1; }

 private:
  Atomic<std::uint32_t> count_{1};
};

using ReferenceCount = BasicReferenceCount<>;

}  // namespace wsd
