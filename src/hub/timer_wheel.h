// The timers of a shard: a hierarchical, intrusive wheel. Arming and cancelling are O(1).
//
// After G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), scheme 7.
// A timer's level depends on the distance of its deadline, not on the boundaries of the levels. A
// timer of 25 s shares a slot with the timers of the same 0.64 s. So no boundary moves all timers
// of a shard at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/tick.h"

namespace wsd::hub {

using wsd::Tick;

// The links of the wheel's circular lists. Only the wheel reads or writes them.
struct TimerLinks {
  TimerLinks* next = nullptr;
  TimerLinks* prev = nullptr;
  Tick at = 0;
};

// One timer, a part of its owner. The owner must cancel it before it is destroyed. Not copyable.
class Timer : public TimerLinks {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { WSD_DCHECK(!armed()); }

  [[nodiscard]] bool armed() const noexcept { return next != nullptr; }
  // Returns the tick at which the timer fires. It must be armed.
  [[nodiscard]] Tick deadline() const noexcept { return at; }
};

// Fires timers at their deadlines. Time is an argument, because the wheel has no clock. Reactor
// thread only.
class TimerWheel {
 public:
  explicit TimerWheel(Tick now = 0) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  // No timer may be armed.
  ~TimerWheel() { WSD_DCHECK(size_ == 0); }

  // Arms `timer` for `deadline`, or moves it there if it is armed. A deadline at or before now()
  // fires at the next tick. A deadline more than kFarthest ticks away fires in kFarthest ticks.
  // Safe at any time, also between two pops of one advance.
  void arm(Timer& timer, Tick deadline) noexcept;

  // Disarms `timer`. Does nothing if it is not armed. Safe at any time.
  void cancel(Timer& timer) noexcept;

  // Moves time forward to `now`, which must be neither earlier than now() nor kNever. Then call
  // pop_due() until it returns nullptr. The work is proportional to the timers that fire or
  // cascade, and each cascades at most five times. A span without either is skipped in one step,
  // however long.
  void advance(Tick now) noexcept;

  // Disarms and returns the next due timer, in the order of deadlines. Timers of the same tick come
  // in an unspecified order. Returns nullptr if no timer is left. A timer that is armed in the
  // meantime for a tick at or before now() fires at the next advance, not in this one.
  [[nodiscard]] Timer* pop_due() noexcept;

  // Returns whether pop_due() would return a timer. So a turn may end early and leave the rest to
  // the next turn.
  [[nodiscard]] bool has_due() const noexcept { return occupied_[kDueLevel] != 0; }

  // Returns the earliest tick at which advance() may have work, for the poll timeout. It is never
  // later than the earliest deadline, and it is now() while has_due(). Returns kNever if no timer
  // is armed.
  [[nodiscard]] Tick next_event() const noexcept { return has_due() ? now_ : next_slot_event(); }
  static constexpr Tick kNever = ~Tick{0};
  static constexpr Tick kFarthest = (Tick{1} << 36) - 1;  // 21 years of 10 ms

  [[nodiscard]] Tick now() const noexcept { return now_; }
  // Returns the number of armed timers. Due timers count until they are popped.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned kLevelBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kLevelBits;
  static constexpr std::size_t kLevels = 6;  // enough for kFarthest
  // The due list is one slot of an extra level, so that unlink() needs no special case.
  static constexpr std::size_t kDueLevel = kLevels;
  static constexpr std::size_t kDueSlot = kDueLevel * kSlots;

  void place(TimerLinks& links) noexcept;
  void push_back(std::size_t slot, TimerLinks& links) noexcept;
  void unlink(TimerLinks& links) noexcept;
  void fire_slot(std::size_t slot) noexcept;
  void cascade_slot(std::size_t slot) noexcept;
  // Returns the first tick after now_ at which a slot is due, or kNever if all slots are empty.
  [[nodiscard]] Tick next_slot_event() const noexcept;

  std::array<TimerLinks, kDueSlot + 1> slots_;            // sentinels
  std::array<std::uint64_t, kLevels + 1> occupied_ = {};  // bit s: slot s of that level has timers
  Tick now_;
  std::size_t size_ = 0;
};

}  // namespace wsd::hub
