#include "hub/timer_wheel.h"

#include <algorithm>
#include <bit>

// Invariant between calls: a slot of level L is due at a multiple t of 64^L, and t >> 6L is 1 to 64
// slots ahead of now_ >> 6L. So the slot under the hand never holds a timer that is due now, and
// its index always means "a full turn from now".
namespace wsd::hub {

static_assert(sizeof(Timer) <= 24, "every connection holds several");

TimerWheel::TimerWheel(Tick now) noexcept : now_(now) {
  for (TimerLinks& sentinel : slots_) {
    sentinel.next = &sentinel;
    sentinel.prev = &sentinel;
  }
}

void TimerWheel::arm(Timer& timer, Tick deadline) noexcept {
  if (timer.armed()) {
    unlink(timer);
  } else {
    ++size_;
  }
  timer.at = std::clamp(deadline, now_ + 1, now_ + kFarthest);
  place(timer);
}

void TimerWheel::cancel(Timer& timer) noexcept {
  if (!timer.armed()) {
    return;
  }
  unlink(timer);
  --size_;
}

void TimerWheel::advance(Tick now) noexcept {
  WSD_DCHECK(now >= now_);
  WSD_DCHECK(now != kNever);
  for (Tick event = next_slot_event(); event <= now; event = next_slot_event()) {
    now_ = event;
    for (std::size_t level = 0; level < kLevels; ++level) {
      const std::size_t digit = (now_ >> (kLevelBits * level)) % kSlots;
      if (((occupied_[level] >> digit) & 1) != 0) {
        const std::size_t slot = level * kSlots + digit;
        level == 0 ? fire_slot(slot) : cascade_slot(slot);
      }
      // The hand of the next level moves only when the hand of this level completes its turn.
      if (digit != 0) {
        break;
      }
    }
  }
  now_ = now;
}

Timer* TimerWheel::pop_due() noexcept {
  if (!has_due()) {
    return nullptr;
  }
  auto* timer = static_cast<Timer*>(slots_[kDueSlot].next);
  cancel(*timer);
  return timer;
}

Tick TimerWheel::next_slot_event() const noexcept {
  Tick event = kNever;
  for (std::size_t level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) {
      continue;
    }
    const auto shift = static_cast<unsigned>(kLevelBits * level);
    const Tick hand = now_ >> shift;
    // Bit 0 of the rotated map is the slot after the hand. Bit 63 is the slot under the hand, a
    // full turn away.
    const auto turn = static_cast<int>((hand + 1) % kSlots);
    const auto gap = static_cast<unsigned>(std::countr_zero(std::rotr(occupied_[level], turn)));
    event = std::min(event, (hand + 1 + gap) << shift);
  }
  return event;
}

void TimerWheel::place(TimerLinks& links) noexcept {
  const Tick delta = links.at - now_;
  if (delta == 0) {
    push_back(kDueSlot, links);
    return;
  }
  const auto level = static_cast<std::size_t>(std::bit_width(delta) - 1) / kLevelBits;
  const std::size_t digit = (links.at >> (kLevelBits * level)) % kSlots;
  push_back(level * kSlots + digit, links);
}

void TimerWheel::push_back(std::size_t slot, TimerLinks& links) noexcept {
  TimerLinks& sentinel = slots_[slot];
  links.next = &sentinel;
  links.prev = sentinel.prev;
  sentinel.prev->next = &links;
  sentinel.prev = &links;
  occupied_[slot / kSlots] |= std::uint64_t{1} << (slot % kSlots);
}

void TimerWheel::unlink(TimerLinks& links) noexcept {
  links.prev->next = links.next;
  links.next->prev = links.prev;
  if (links.next == links.prev) {
    // The timer was alone in its list, so its neighbour on both sides was the sentinel. The
    // sentinel gives the slot, so that timers need not store it.
    const auto slot = static_cast<std::size_t>(links.next - slots_.data());
    occupied_[slot / kSlots] &= ~(std::uint64_t{1} << (slot % kSlots));
  }
  links.next = nullptr;
  links.prev = nullptr;
}

void TimerWheel::fire_slot(std::size_t slot) noexcept {
  TimerLinks& from = slots_[slot];
  TimerLinks& due = slots_[kDueSlot];
  // Moves the whole list without reading its timers, because popping them loads them into the
  // cache.
  from.next->prev = due.prev;
  due.prev->next = from.next;
  from.prev->next = &due;
  due.prev = from.prev;
  from.next = &from;
  from.prev = &from;
  occupied_[slot / kSlots] &= ~(std::uint64_t{1} << (slot % kSlots));
  occupied_[kDueLevel] |= 1;
}

void TimerWheel::cascade_slot(std::size_t slot) noexcept {
  // The span of the slot starts now. So each timer moves to a lower level or is due, and none
  // returns to this list.
  TimerLinks& from = slots_[slot];
  TimerLinks* links = from.next;
  from.next = &from;
  from.prev = &from;
  occupied_[slot / kSlots] &= ~(std::uint64_t{1} << (slot % kSlots));
  while (links != &from) {
    TimerLinks* next = links->next;
    place(*links);
    links = next;
  }
}

}  // namespace wsd::hub
