// The shard's timers: hierarchical, intrusive, O(1) to arm and to cancel.
//
// After G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), scheme 6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace wsd::hub {

using Tick = std::uint32_t;  // counts up from the wheel's start; never wraps in 497 days of 10 ms

// One timer. Lives inside its owner, which must cancel it before it dies. Not copyable.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool armed() const noexcept { return next_ != nullptr; }
  // The tick at which it fires. Only while armed.
  [[nodiscard]] Tick deadline() const noexcept { return deadline_; }

 private:
  friend class TimerWheel;  // the links are the wheel's own
  Timer* next_ = nullptr;
  Timer* prev_ = nullptr;
  Tick deadline_ = 0;
};

// Reactor thread only. Time is an argument: the wheel has no clock.
class TimerWheel {
 public:
  explicit TimerWheel(Tick now = 0) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms `timer` for `deadline`; re-arms it where it is armed. A deadline at or before now() fires
  // at the next tick. Safe at any time, also between two pops of one advance.
  void arm(Timer& timer, Tick deadline) noexcept;

  // Disarms; no-op where it is not armed. Safe at any time.
  void cancel(Timer& timer) noexcept;

  // Moves time forward to `now` (never back), then hands out what is due: call pop_due() until it
  // returns nullptr. Work is bounded by the ticks that passed (empty stretches are skipped in one
  // step each 64 ticks) and the timers that fire or cascade.
  void advance(Tick now) noexcept;

  // The next due timer, disarmed, in order of deadline; nullptr when none is left. A timer that is
  // armed again meanwhile for a tick at or before now() fires at the next advance, not in this one.
  [[nodiscard]] Timer* pop_due() noexcept;

  // Whether pop_due() would return a timer: the turn may end early and go on in the next.
  [[nodiscard]] bool has_due() const noexcept;

  // The earliest tick at which advance() may have work to do, for the poll timeout; never later
  // than the earliest deadline. kNever when nothing is armed.
  [[nodiscard]] Tick next_event() const noexcept;
  static constexpr Tick kNever = ~Tick{0};

  [[nodiscard]] Tick now() const noexcept { return now_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  // Private parts are the implementer's. Suggested: 6 levels of 64 slots with an occupancy bitmap
  // per level, circular lists with a sentinel, a due list.
  Tick now_;
  std::size_t size_ = 0;
};

}  // namespace wsd::hub
