// Timers of the application, on the wheel of a shard.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/tick.h"
#include "hub/member.h"
#include "hub/timer_wheel.h"
#include "wsd/timer.h"

namespace wsd::net {

class ApplicationTimers;

// One timer. Its owner's list and the application's handles share it. Reactor thread only, except
// for cancel() and active().
class ApplicationTimer final : public hub::Scheduled, public Timer::Control {
 public:
  // `handler` must not throw. It runs on the thread of `wheel`. `interval`: 0 if the timer fires
  // once.
  ApplicationTimer(std::function<void()> handler, hub::TimerWheel& wheel, Tick interval) noexcept
      : handler_(std::move(handler)), wheel_(wheel), interval_(interval) {}

  // Timer::Control. Any thread.
  void cancel() noexcept override;
  [[nodiscard]] bool active() const noexcept override {
    return !over_.load(std::memory_order_relaxed);
  }

  // hub::Scheduled
  void on_deadline(Tick now) override;

  // For ApplicationTimers only. `index` is the place in `owner`.
  void attach(ApplicationTimers& owner, std::size_t index, Tick deadline) noexcept;
  void move_to(std::size_t index) noexcept { index_ = index; }
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  // The timer has left its list: it fires no more, and its handler is freed, unless it is running.
  void detach() noexcept;

 private:
  std::function<void()> handler_;  // empty while it runs, and once the timer is detached
  hub::TimerWheel& wheel_;
  const Tick interval_;
  ApplicationTimers* owner_ = nullptr;
  std::size_t index_ = 0;
  Tick due_ = 0;
  // Relaxed, because it orders nothing: a handler that another thread cancels may still run.
  std::atomic<bool> over_{false};
};

// The timers of one connection, or those that a reactor runs for the server. Reactor thread only.
class ApplicationTimers {
 public:
  ApplicationTimers() = default;
  ApplicationTimers(const ApplicationTimers&) = delete;
  ApplicationTimers& operator=(const ApplicationTimers&) = delete;
  ~ApplicationTimers() { clear(); }

  // Arms the timer, unless it was cancelled before. Throws std::bad_alloc if memory runs out; then
  // nothing has changed.
  void add(std::shared_ptr<ApplicationTimer> timer, Tick deadline);
  // Removes the timer, and returns the share of this list in it.
  std::shared_ptr<ApplicationTimer> remove(std::size_t index) noexcept;
  // Returns another share in the timer.
  [[nodiscard]] std::shared_ptr<ApplicationTimer> share(std::size_t index) const noexcept {
    return timers_[index];
  }
  // Ends all timers.
  void clear() noexcept;
  [[nodiscard]] bool empty() const noexcept { return timers_.empty(); }

 private:
  std::vector<std::shared_ptr<ApplicationTimer>> timers_;
};

// Returns the deadline of a timer that is started at `now`: it is never early, although part of the
// current tick has passed.
[[nodiscard]] constexpr Tick timer_deadline(Tick now, std::uint32_t delay_ms) noexcept {
  return now + ticks_for_ms(delay_ms) + 1;
}

// Returns the interval of a repeating timer, at least one tick.
[[nodiscard]] constexpr Tick timer_interval(std::uint32_t interval_ms) noexcept {
  return interval_ms == 0 ? 1 : ticks_for_ms(interval_ms);
}

}  // namespace wsd::net
