// Executes code under exploration on the memory of C++20, step by step.
//
// Each atomic variable keeps all its values in modification order, as messages. A thread has a
// view: for each variable, the oldest message that it may still read. A load may return any message
// from there on (coherence). A release store attaches its thread's view to the message, and an
// acquire load merges that view into its own (happens before). A read-modify-write reads the newest
// message and continues its release sequence. Sequentially consistent operations must also fit into
// one order (SeqCstOrder). Plain variables have no messages: each access must happen after the last
// one, or it is a data race.
//
// Not modelled:
//   - a store in the middle of the modification order. A store is always appended. A
//   read-modify-write must be, and the code under test stores in no other way;
//   - cycles of dependency and program order (load buffering, values out of thin air). A load
//   returns only values that have been stored already;
//   - fences, consume, and accesses of mixed size.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "model/seq_cst_order.h"

namespace wsd::model {

using Value = std::uint64_t;

inline constexpr unsigned kMaxPlain = 64;  // one bit each in a view

constexpr bool acquires(std::memory_order order) noexcept {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
constexpr bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

// The operations that happen before a point, as far as reads depend on them.
struct View {
  std::array<std::uint8_t, kMaxLocations> seen = {};  // by location: index of a message
  std::uint64_t plain = 0;  // by plain variable: whether its last access is known

  void join(const View& other) noexcept;
};

class Memory {
 public:
  // Removes everything. All threads know the variables that are added next.
  void reset(unsigned threads);
  // `only_updated`: no thread loads it, so only the newest value counts.
  [[nodiscard]] unsigned add_location(Value initial, bool only_updated);
  [[nodiscard]] unsigned add_plain();
  [[nodiscard]] unsigned plains() const noexcept { return plains_; }

  [[nodiscard]] Value newest(unsigned location) const { return messages_[location].back().value; }
  [[nodiscard]] Value value(unsigned location, unsigned index) const {
    return messages_[location][index].value;
  }
  // Returns in `into` the messages that a load by `thread` may return, oldest first. Never empty.
  void readable(unsigned thread, unsigned location, std::memory_order order,
                std::vector<unsigned>& indices) const;

  // Loads one of the messages of readable().
  Value load(unsigned thread, unsigned location, unsigned index, std::memory_order order);
  // With `is_update` a read-modify-write, otherwise a plain store.
  void store(unsigned thread, unsigned location, Value value, std::memory_order order,
             bool is_update);
  // Any access of a plain variable. Returns false if another access does not happen before it.
  [[nodiscard]] bool touch(unsigned thread, unsigned variable) noexcept;

  // `thread` does nothing more: the messages that it could have read no longer count.
  void finish(unsigned thread) noexcept { live_ &= ~(1U << thread); }
  // Equal for memories from which the same behavior follows.
  [[nodiscard]] std::uint64_t hash() const;

 private:
  struct Message {
    Value value = 0;
    View view;                    // the knowledge of a thread that acquires the message
    SeqCstOrder::Set before = 0;  // the operations that then come strongly before
  };
  struct Thread {
    View view;
    SeqCstOrder::Set before = 0;
  };

  void note(unsigned thread, unsigned location, unsigned key);
  [[nodiscard]] std::array<std::uint8_t, kMaxLocations> bases() const noexcept;

  std::array<std::vector<Message>, kMaxLocations> messages_;
  std::array<bool, kMaxLocations> only_updated_ = {};
  unsigned locations_ = 0;
  unsigned plains_ = 0;
  std::array<Thread, kMaxThreads> threads_;
  unsigned thread_count_ = 0;
  unsigned live_ = 0;  // one bit for each thread
  SeqCstOrder order_;
};

}  // namespace wsd::model
