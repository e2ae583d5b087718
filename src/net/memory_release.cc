#include "net/memory_release.h"

namespace wsd::net {

bool ReleaseSchedule::look(Tick now, const Load& load) noexcept {
  const std::uint64_t moved = load.traffic - last_.traffic;
  const std::uint64_t ended = (load.ended - last_.ended) * kConnectionBytes;
  const std::uint64_t fallen = load.held < last_.held ? last_.held - load.held : 0;
  last_ = load;
  moved_ += moved;
  freed_ += ended + fallen;
  // History that expires does not count here: then each release has only a few seconds' part of it.
  const std::uint64_t work = moved + ended;
  quiet_seconds_ = work < kQuiet ? quiet_seconds_ + 1 : 0;
  light_seconds_ = work < kLight ? light_seconds_ + 1 : 0;
  const bool worth = moved_ + freed_ >= kWorth;
  const bool due = (worth && quiet_seconds_ >= kSeconds) ||
                   (freed_ >= kWorthInLight && light_seconds_ >= kSeconds &&
                    now - released_at_ >= kTicksInLight);
  if (due) {
    moved_ = 0;
    freed_ = 0;
    released_at_ = now;
  }
  look_at_ = now + kLookTicks;
  settled_ = due || (quiet_seconds_ != 0 && !worth);
  return due;
}

TrimGate::Answer TrimGate::ask(std::uint64_t freed_ms, std::uint64_t now_ms) noexcept {
  std::uint64_t trimmed = trimmed_ms_.load(std::memory_order_relaxed);
  if (trimmed > freed_ms) return Answer::kDone;
  const std::uint64_t busy = busy_ms_.load(std::memory_order_relaxed);
  const bool too_soon =
      (trimmed != 0 && now_ms < trimmed + kIntervalMs) || (busy != 0 && now_ms < busy + kBusyMs);
  if (too_soon) return Answer::kLater;
  // If another reactor is faster, ask again: it may have begun before the caller released.
  return trimmed_ms_.compare_exchange_strong(trimmed, now_ms, std::memory_order_relaxed)
             ? Answer::kNow
             : Answer::kLater;
}

}  // namespace wsd::net
