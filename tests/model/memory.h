// The memory that code under exploration runs on: C++20's, executed step by step.
//
// Each atomic variable keeps all its values in modification order, as messages. A thread has a
// view: for each variable the oldest message it may still read. A load may return any message from
// there on (coherence); a release store attaches its thread's view to the message, and an acquire
// load takes that view over (happens before). A read-modify-write reads the newest message and
// carries on the release sequence of it. Sequentially consistent operations must in addition fit
// into one order (SeqCstOrder). Plain variables are no messages: each access must know of the last
// one, or it is a data race.
//
// What is not modelled:
//   - a store takes its place at the end of the modification order (a read-modify-write must; the
//     code under test stores in no other way);
//   - a load returns only what has been stored already, so cycles of dependency and program order
//     (load buffering, values out of thin air) do not arise;
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

// What happens before a point, as far as reads depend on it.
struct View {
  std::array<std::uint8_t, kMaxLocations> seen = {};  // by location: index of a message
  std::uint64_t plain = 0;  // by plain variable: whether its last access is known

  void join(const View& other) noexcept;
};

class Memory {
 public:
  // Nothing is there, and everybody knows all that will be added.
  void reset(unsigned threads);
  // `only_updated`: nothing will ever load it, so only the newest value counts.
  [[nodiscard]] unsigned add_location(Value initial, bool only_updated);
  [[nodiscard]] unsigned add_plain();
  [[nodiscard]] unsigned plains() const noexcept { return plains_; }

  [[nodiscard]] Value newest(unsigned location) const { return messages_[location].back().value; }
  [[nodiscard]] Value value(unsigned location, unsigned index) const {
    return messages_[location][index].value;
  }
  // The messages that a load by `thread` may return, oldest first. Never empty.
  void readable(unsigned thread, unsigned location, std::memory_order order,
                std::vector<unsigned>& indices) const;

  // One of readable().
  Value load(unsigned thread, unsigned location, unsigned index, std::memory_order order);
  // Where `is_update`, a read-modify-write, else a plain store.
  void store(unsigned thread, unsigned location, Value value, std::memory_order order,
             bool is_update);
  // Any access of a plain variable. False: another one does not happen before it.
  [[nodiscard]] bool touch(unsigned thread, unsigned variable) noexcept;

  // `thread` does nothing more: what it could have read counts no longer.
  void finish(unsigned thread) noexcept { live_ &= ~(1U << thread); }
  // Equal for memories on which all that can follow is equal.
  [[nodiscard]] std::uint64_t hash() const;

 private:
  struct Message {
    Value value = 0;
    View view;                    // what who acquires it learns
    SeqCstOrder::Set before = 0;  // and which operations then come strongly before
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
  unsigned live_ = 0;  // a bit for each thread
  SeqCstOrder order_;
};

}  // namespace wsd::model
