// The single order of the sequentially consistent operations, as constraints.
//
// C++20 ([atomics.order] 3 and 4) requires a total order S of these operations. S agrees with
// "strongly happens before". In S, A precedes B if A is coherence-ordered before B on one variable.
// S need not be the order of execution here, so the constraints are kept as a graph: an execution
// is allowed as long as the graph has no cycle.
//
// An operation's place in the coherence order of its variable is its key: 2 i for the write of
// message i, 2 i + 1 for a read of it. Smaller keys come first. Equal keys (two reads of one
// message) are not ordered.
#pragma once

#include <array>
#include <cstdint>

namespace wsd::model {

inline constexpr unsigned kMaxThreads = 4;
inline constexpr unsigned kMaxLocations = 12;

class SeqCstOrder {
 public:
  using Set = std::uint64_t;  // of operations, a bit each

  void reset() noexcept;

  // Returns whether an operation that comes after `before` may have this key.
  [[nodiscard]] bool allows(unsigned location, unsigned key, Set before) const noexcept;
  // Adds an allowed operation and returns its bit.
  Set add(unsigned thread, unsigned location, unsigned key, Set before);

  // Returns the operations that a later one may still have to precede, if no thread reads messages
  // older than bases[location].
  [[nodiscard]] Set open(const std::array<std::uint8_t, kMaxLocations>& bases) const noexcept;
  // Returns a hash of all data of the operations `open` on which allows() depends, relative to
  // `bases`.
  [[nodiscard]] std::uint64_t hash(Set open,
                                   const std::array<std::uint8_t, kMaxLocations>& bases) const;
  // Returns the operations of `open` that come before an operation of `set`.
  [[nodiscard]] Set preceding(Set open, Set set) const noexcept;

 private:
  static constexpr unsigned kPerThread = 16;

  struct Operation {
    unsigned location = 0;
    unsigned key = 0;
  };

  std::array<Operation, kMaxThreads * kPerThread> operations_;
  // the operation itself and all that come after it
  std::array<Set, kMaxThreads* kPerThread> reach_ = {};
  std::array<unsigned, kMaxThreads> counts_ = {};
  Set all_ = 0;
};

}  // namespace wsd::model
