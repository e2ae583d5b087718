// The shard's timers: hierarchical, intrusive, O(1) to arm and to cancel.
//
// After G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), scheme 7.
// A timer's level comes from how far off it is, not from where the levels' borders lie: a timer of
// 25 s waits among those of the same 0.64 s, so no border makes all timers of a shard move at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/tick.h"

namespace wsd::hub {

using wsd::Tick;

// The wheel's own: the links of its circular lists. Nobody else reads or writes them.
struct TimerLinks {
  TimerLinks* next = nullptr;
  TimerLinks* prev = nullptr;
  Tick at = 0;
};

// One timer. Lives inside its owner, which must cancel it before it dies. Not copyable.
class Timer : public TimerLinks {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { WSD_DCHECK(!armed()); }

  [[nodiscard]] bool armed() const noexcept { return next != nullptr; }
  // The tick at which it fires. Only while armed.
  [[nodiscard]] Tick deadline() const noexcept { return at; }
};

// Reactor thread only. Time is an argument: the wheel has no clock.
class TimerWheel {
 public:
  explicit TimerWheel(Tick now = 0) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  // No timer may be armed any more.
  ~TimerWheel() { WSD_DCHECK(size_ == 0); }

  // Arms `timer` for `deadline`; re-arms it where it is armed. A deadline at or before now() fires
  // at the next tick, one farther off than kFarthest in kFarthest ticks. Safe at any time, also
  // between two pops of one advance.
  void arm(Timer& timer, Tick deadline) noexcept;

  // Disarms; no-op where it is not armed. Safe at any time.
  void cancel(Timer& timer) noexcept;

  // Moves time forward to `now` (never back, never to kNever), then hands out what is due: call
  // pop_due() until it returns nullptr. Work is bounded by the timers that fire or cascade (each at
  // most five times in its life); a stretch without either is skipped in one step, however long.
  void advance(Tick now) noexcept;

  // The next due timer, disarmed, in order of deadline (those of one tick in no promised order);
  // nullptr when none is left. A timer that is armed again meanwhile for a tick at or before now()
  // fires at the next advance, not in this one.
  [[nodiscard]] Timer* pop_due() noexcept;

  // Whether pop_due() would return a timer: the turn may end early and go on in the next.
  [[nodiscard]] bool has_due() const noexcept { return occupied_[kDueLevel] != 0; }

  // The earliest tick at which advance() may have work to do, for the poll timeout; never later
  // than the earliest deadline, and now() while has_due(). kNever when nothing is armed.
  [[nodiscard]] Tick next_event() const noexcept { return has_due() ? now_ : next_slot_event(); }
  static constexpr Tick kNever = ~Tick{0};
  static constexpr Tick kFarthest = (Tick{1} << 36) - 1;  // 21 years of 10 ms

  [[nodiscard]] Tick now() const noexcept { return now_; }
  // Armed timers, the due ones that were not popped yet among them.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned kLevelBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kLevelBits;
  static constexpr std::size_t kLevels = 6;  // so that kFarthest has a place
  // The due list is one slot of a level of its own, so that unlinking treats it like any other.
  static constexpr std::size_t kDueLevel = kLevels;
  static constexpr std::size_t kDueSlot = kDueLevel * kSlots;

  void place(TimerLinks& links) noexcept;
  void push_back(std::size_t slot, TimerLinks& links) noexcept;
  void unlink(TimerLinks& links) noexcept;
  void fire_slot(std::size_t slot) noexcept;
  void cascade_slot(std::size_t slot) noexcept;
  // The first tick after now_ at which a slot is due; kNever when all slots are empty.
  [[nodiscard]] Tick next_slot_event() const noexcept;

  std::array<TimerLinks, kDueSlot + 1> slots_;            // sentinels
  std::array<std::uint64_t, kLevels + 1> occupied_ = {};  // bit s: slot s of that level has timers
  Tick now_;
  std::size_t size_ = 0;
};

}  // namespace wsd::hub
