// A share of work per turn, counted in units.
#pragma once

#include <algorithm>
#include <cstddef>

namespace wsd::protocol {

// Limits the work of a turn, and of each step of the turn. A unit is the work of about one
// nanosecond. Work is counted and not timed, so the same input gives the same steps everywhere.
// One thread only.
class WorkShare {
 public:
  explicit constexpr WorkShare(std::size_t turn) noexcept
      : turn_(static_cast<std::ptrdiff_t>(turn)), step_left_(turn_) {}

  // Starts another turn. Until the next begin_step(), its first step may use the whole share.
  constexpr void begin_turn() noexcept {
    step_left_ = turn_;
    rest_ = 0;
  }
  // Starts a step, which may use at most `most` units of the rest of the turn's share.
  constexpr void begin_step(std::size_t most) noexcept {
    const std::ptrdiff_t left = rest_ + step_left_;
    step_left_ = std::min(left, static_cast<std::ptrdiff_t>(most));
    rest_ = left - step_left_;
  }
  // Counts work that was done. It may exceed the share, because some work cannot be divided.
  constexpr void spend(std::size_t units) noexcept {
    step_left_ -= static_cast<std::ptrdiff_t>(units);
  }

  // Returns whether the step must do no more work.
  [[nodiscard]] constexpr bool step_used_up() const noexcept { return step_left_ <= 0; }
  // Returns whether no step of this turn must do more work.
  [[nodiscard]] constexpr bool turn_used_up() const noexcept {
    return step_used_up() && rest_ + step_left_ <= 0;
  }
  // Returns whether the step may do that much more work.
  [[nodiscard]] constexpr bool affords(std::size_t units) const noexcept {
    return static_cast<std::ptrdiff_t>(units) <= step_left_;
  }
  // Returns the work of this turn.
  [[nodiscard]] constexpr std::size_t spent() const noexcept {
    return static_cast<std::size_t>(turn_ - rest_ - step_left_);
  }

 private:
  std::ptrdiff_t turn_;
  std::ptrdiff_t step_left_;  // of the current step; below 0 if it did too much
  std::ptrdiff_t rest_ = 0;   // of the turn, besides the current step
};

}  // namespace wsd::protocol
