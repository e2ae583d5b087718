// The one order of the sequentially consistent operations, as constraints.
//
// C++20 ([atomics.order] 3 and 4) asks for a total order S of them that agrees with "strongly
// happens before", and in which A precedes B where A is coherence-ordered before B on one variable.
// S need not be the order in which things are executed here, so the constraints themselves are
// kept, as a graph: an execution is allowed as long as the graph has no cycle.
//
// An operation's place in the coherence order of its variable is its key: 2 i for the one that
// wrote message i, 2 i + 1 for one that read it. Smaller keys come first; equal ones (two reads of
// one message) are not ordered.
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

  // Whether an operation that comes after `before` may have this key.
  [[nodiscard]] bool allows(unsigned location, unsigned key, Set before) const noexcept;
  // Adds one, which must be allowed, and returns its bit.
  Set add(unsigned thread, unsigned location, unsigned key, Set before);

  // The operations that one yet to come may still have to precede, when no thread reads messages
  // older than bases[location].
  [[nodiscard]] Set open(const std::array<std::uint8_t, kMaxLocations>& bases) const noexcept;
  // Of these, a hash of all that allows() depends on; named as seen from `bases`.
  [[nodiscard]] std::uint64_t hash(Set open,
                                   const std::array<std::uint8_t, kMaxLocations>& bases) const;
  // Which of `open` come before something in `set`.
  [[nodiscard]] Set preceding(Set open, Set set) const noexcept;

 private:
  static constexpr unsigned kPerThread = 16;

  struct Operation {
    unsigned location = 0;
    unsigned key = 0;
  };

  std::array<Operation, kMaxThreads * kPerThread> operations_;
  std::array<Set, kMaxThreads* kPerThread> reach_ = {};  // itself and all that come after it
  std::array<unsigned, kMaxThreads> counts_ = {};
  Set all_ = 0;
};

}  // namespace wsd::model
