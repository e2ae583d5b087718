#include "hub/delivery_windows.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace wsd::hub {

DeliveryWindows::DeliveryWindows(const RoomConfigTable& configs) {
  configs.for_each([this](const RoomConfig& config) { know(config.window_ns); });
}

void DeliveryWindows::know(std::uint64_t window_ns) {
  const bool known = std::any_of(lanes_.begin(), lanes_.end(), [window_ns](const Lane& each) {
    return each.window_ns == window_ns;
  });
  if (window_ns != 0 && !known) lanes_.push_back({window_ns});
}

std::uint64_t DeliveryWindows::longest_ns() const noexcept {
  std::uint64_t longest = 0;
  for (const Lane& each : lanes_) longest = std::max(longest, each.window_ns);
  return longest;
}

bool DeliveryWindows::is_open(const RoomHome& room, std::uint64_t now_ns) const noexcept {
  return !closed_ && room.has_pending() && room.pending_bytes() < kMostBytes &&
         room.pending_count() < kMostMessages && now_ns < end_of(room);
}

DeliveryWindows::Lane& DeliveryWindows::lane_of(const RoomHome& room) noexcept {
  const std::uint64_t window_ns = room.config().window_ns;
  const auto found = std::find_if(lanes_.begin(), lanes_.end(), [window_ns](const Lane& each) {
    return each.window_ns == window_ns;
  });
  WSD_ASSERT(found != lanes_.end());
  return *found;
}

// A room whose messages have waited before, because memory ran out, does not belong at the end.
void DeliveryWindows::add(RoomHome& room) noexcept {
  WSD_DCHECK(!room.queued);
  Lane& lane = lane_of(room);
  RoomHome* before = lane.last;
  while (before != nullptr && end_of(*before) > end_of(room)) before = before->previous_queued;
  RoomHome* const after = before == nullptr ? lane.first : before->next_queued;
  room.previous_queued = before;
  room.next_queued = after;
  (before == nullptr ? lane.first : before->next_queued) = &room;
  (after == nullptr ? lane.last : after->previous_queued) = &room;
  room.queued = true;
  room.in_window = true;
}

void DeliveryWindows::unlink(Lane& lane, RoomHome& room) noexcept {
  RoomHome* const before = std::exchange(room.previous_queued, nullptr);
  RoomHome* const after = std::exchange(room.next_queued, nullptr);
  (before == nullptr ? lane.first : before->next_queued) = after;
  (after == nullptr ? lane.last : after->previous_queued) = before;
  room.queued = false;
  room.in_window = false;
}

void DeliveryWindows::remove(RoomHome& room) noexcept { unlink(lane_of(room), room); }

std::uint64_t DeliveryWindows::next_end_ns() const noexcept {
  std::uint64_t next = kNever;
  for (const Lane& each : lanes_) {
    if (each.first != nullptr) next = std::min(next, end_of(*each.first));
  }
  return next;
}

void DeliveryWindows::take_ended(std::uint64_t now_ns, RoomQueue& due) noexcept {
  for (Lane& lane : lanes_) {
    while (lane.first != nullptr && !is_open(*lane.first, now_ns)) {
      RoomHome& room = *lane.first;
      unlink(lane, room);
      due.push(room);
    }
  }
}

void DeliveryWindows::close(RoomQueue& due) noexcept {
  closed_ = true;
  take_ended(0, due);
}

}  // namespace wsd::hub
