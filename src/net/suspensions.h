// The times during which the process did not run.
#pragma once

#include <cstdint>

#include "base/tick.h"

namespace wsd::net {

// Counts the ticks that the clock of deadlines leaves out. What a peer has sent meanwhile arrives
// at once, so a limit per second allows it for as long as the data may still be waiting: one second
// of the clock after the suspension. Reactor thread only.
class Suspensions {
 public:
  // Records that the suspensions last `total` ticks in all, of which the last ended at `now`.
  void note(Tick total, Tick now) noexcept {
    if (total == total_) return;
    if (now > ended_ + kLasts) recent_ = 0;
    recent_ += total - total_;
    total_ = total;
    ended_ = now;
  }

  // Returns the ticks of all suspensions.
  [[nodiscard]] Tick total() const noexcept { return total_; }
  // Returns the ticks of the suspensions whose data may still be waiting at `now`.
  [[nodiscard]] Tick recent(Tick now) const noexcept { return now > ended_ + kLasts ? 0 : recent_; }

 private:
  static constexpr Tick kLasts = ticks_for_ms(1000);

  Tick total_ = 0;
  Tick recent_ = 0;
  Tick ended_ = 0;
};

}  // namespace wsd::net
