// A limit on memory that the connections of all reactors hold together.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "hub/hub.h"

namespace wsd::net {

class Connection;

// The part of a budget that all reactors share. Any thread.
class MemoryBudget {
 public:
  // Returns the bytes that are held. They include each reactor's changes since its last turn
  // if they exceed BudgetShare::kGrain.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return not_negative(bytes_.load(std::memory_order_relaxed));
  }

 private:
  friend class BudgetShare;

  // A reactor may publish that it has freed shared memory before another one publishes that it has
  // taken it.
  [[nodiscard]] static std::size_t not_negative(std::size_t sum) noexcept {
    return static_cast<std::ptrdiff_t>(sum) < 0 ? 0 : sum;
  }

  std::atomic<std::size_t> bytes_{0};
  // Reactors that were asked to end their largest holder, as bits.
  std::atomic<std::uint64_t> asked_{0};
  // By reactor: the size class of its largest holder, or 0.
  std::array<std::atomic<std::uint8_t>, hub::Hub::kMaxShards> largest_{};
};

// One reactor's share of a budget: the bytes that its connections hold, and the largest holder. If
// the budget is exceeded, the largest holders of the process are ended, and never the newcomer for
// being new. Reactor thread only.
//
// Holders are compared by size class. A class spans a quarter of a power of two, so a holder is
// never ended while another one holds more than 5/4 of its bytes. Within a class, the holder that
// has been in it longest is ended first: it makes the least progress. All operations take constant
// time.
//
// The largest holder may belong to another reactor. That reactor is asked to end it, which takes
// until its next turn. In the meantime the process may exceed its limit by kSlack, an eighth. At
// that point each reactor ends its own largest holders, because the limit must hold.
class BudgetShare {
 public:
  // A reactor publishes its changes when they reach this many bytes, and in each turn.
  static constexpr std::size_t kGrain = std::size_t{16} << 10;
  static constexpr std::size_t kSlack = 8;  // the limit may be exceeded by one part of this many

  // `budget` must outlive the object. `limit` is in bytes; 0 is no limit.
  BudgetShare(MemoryBudget& budget, std::uint32_t reactor, std::size_t limit) noexcept;
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  // Reserves memory for that many slots. Throws std::bad_alloc.
  void make_room(std::size_t slots) {
    if (entries_.capacity() < slots) entries_.reserve(2 * slots);
  }

  // Counts `bytes` as the total of this reactor. Connections that share memory hold less together
  // than the sum of their bytes.
  void count(std::size_t bytes) noexcept {
    counted_ = bytes;
    settled_ = false;
    if (counted_ - published_ + kGrain > 2 * kGrain) publish();  // also if it has become less
  }
  [[nodiscard]] std::size_t counted() const noexcept { return counted_; }
  // Sets the bytes that the connection in `slot` holds. make_room() must have been called for the
  // slot.
  void set(std::uint32_t slot, Connection& holder, std::size_t bytes) noexcept;
  // Returns the bytes that were set for the connection in `slot`.
  [[nodiscard]] std::size_t bytes_of(std::uint32_t slot) const noexcept {
    return slot < entries_.size() ? entries_[slot].bytes : 0;
  }

  [[nodiscard]] bool exceeded() const noexcept { return total() > limit_; }
  // Publishes all changes, so that MemoryBudget::bytes() is exact. Must be called in each turn
  // unless settled().
  void end_turn() noexcept {
    publish();
    waiting_ = false;
    settled_ = true;
  }
  // Publishes all changes, and leaves settled() as it is.
  void publish() noexcept;
  // Returns whether nothing has happened since the last end_turn().
  [[nodiscard]] bool settled() const noexcept { return settled_; }

  // The action that an exceeded budget needs. `holder`: end this connection, set() it to 0
  // and call again. `reactor`: wake this reactor, and call again in the next turn.
  struct Remedy {
    Connection* holder = nullptr;
    std::optional<std::uint32_t> reactor = {};
  };
  // Returns nothing to do if the budget is not exceeded, and if another reactor will end a larger
  // holder than any here.
  [[nodiscard]] Remedy remedy() noexcept;
  // Returns once whether another reactor has asked this one for a remedy. Must be called in each
  // turn in which the reactor was woken.
  [[nodiscard]] bool take_asked() noexcept;

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr std::size_t kClasses = 256;

  struct Entry {
    std::size_t bytes = 0;
    Connection* holder = nullptr;
    std::uint32_t previous = kNone;  // in the circle of its class
    std::uint32_t next = kNone;
  };

  [[nodiscard]] static std::uint8_t class_of(std::size_t bytes) noexcept;
  [[nodiscard]] std::size_t total() const noexcept {
    const std::size_t published = budget_.bytes_.load(std::memory_order_relaxed);
    return MemoryBudget::not_negative(published + (counted_ - published_));
  }
  void unlink(std::uint32_t slot, std::uint8_t size_class) noexcept;
  void link(std::uint32_t slot, std::uint8_t size_class) noexcept;
  void update_largest() noexcept;
  // Returns the reactor with the largest holder, if it is of a larger class than `own`.
  [[nodiscard]] std::optional<std::uint32_t> rival_of(std::uint8_t own) const noexcept;

  MemoryBudget& budget_;
  const std::uint32_t reactor_;
  const std::size_t limit_;
  std::size_t counted_ = 0;
  std::size_t published_ = 0;
  std::uint8_t largest_ = 0;  // as in MemoryBudget
  bool settled_ = true;
  bool waiting_ = false;  // in this turn, another reactor was asked, or there was nothing to end
  std::array<std::uint64_t, kClasses / 64> used_{};  // the classes that have a holder, as bits
  std::array<std::uint32_t, kClasses> heads_;  // by class: the holder that has been in it longest
  std::vector<Entry> entries_;                 // by slot
};

}  // namespace wsd::net
