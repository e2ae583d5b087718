// Rooms that an order engine orders; see order_engine.h.
#include <algorithm>
#include <utility>

#include "hub/hub.h"
#include "hub/order_engine.h"
#include "hub/owned_rooms.h"

namespace wsd::hub {
namespace {

// Returns the time of a message, not later than now, and not earlier than that of the oldest
// message of the history: a batch that is sent again keeps its time, and clocks of servers differ.
Tick time_in(const TimedHistory* history, Tick age, Tick at, Tick now) noexcept {
  const bool has_oldest = history != nullptr && !history->ring.empty();
  const Tick oldest = has_oldest ? history->ring.due(now) - age : 0;
  return std::min(std::max(at, oldest), now);
}

}  // namespace

RoomHome* OwnedRooms::open(std::string_view name) {
  RoomHome* const found = find(name);
  if (found != nullptr && exceeds_room_limit(*found)) return nullptr;
  if (found == nullptr && max_rooms_ != 0 && room_count_.value() >= max_rooms_) return nullptr;
  RoomHome& room = found != nullptr ? *found : create(name);
  try {
    if (!room.at_engine) room.engine_number = 0;
    order_->open(room);
  } catch (...) {
    drop_if_unused(room);
    throw;
  }
  room.at_engine = true;
  room.held = true;
  return &room;
}

void OwnedRooms::restore_kept(RoomHome& room, const Position& last,
                              std::span<const KeptMessage> kept) {
  room.continue_after(last);
  if (!may_keep_history(room)) return;
  if (room.history() == nullptr) room.keep_history(*this, history_bytes_, room_bytes(room));
  RoomHistory& ring = room.history()->ring;
  ring.clear();
  for (const KeptMessage& each : kept) {
    const Tick at = time_in(room.history(), room.config().history.age, each.at, now_);
    ring.reserve(at);
    ring.append(each.frame, at);
  }
  ring.expire(now_);
  arm_expiry(room);
}

bool OwnedRooms::place(RoomHome& room, SharedBytes frame, std::uint64_t cost, Tick at,
                       ConnectionId except) {
  if (room.history() != nullptr) room.history()->ring.expire(now_);
  const bool keeps = may_keep_history(room);
  if (!keeps && !room.has_members() && !room.has_history()) {
    room.discard();
    return false;
  }
  if (keeps && room.history() == nullptr) {
    room.keep_history(*this, history_bytes_, room_bytes(room));
  }
  if (!room.has_pending()) room.first_pending_ns = now_ns_;
  if (except != 0) room.reserve_exclusion();
  wsd_append_to_room(&room, &frame, cost,
                     time_in(room.history(), room.config().history.age, at, now_));
  if (except != 0) room.exclude(except);
  arm_expiry(room);
  queue_for_fan_out(room);
  return true;
}

void OwnedRooms::closed(RoomHome& room, bool in_use) noexcept {
  room.at_engine = false;
  room.opened = false;
  room.live = false;
  room.held = in_use;
  if (!room.has_members() && room.history() != nullptr) room.history()->ring.clear();
  drop_if_unused(room);
}

void OwnedRooms::drop_if_unwanted(std::string_view name) noexcept {
  RoomHome* const room = find(name);
  if (room == nullptr) return;
  if (!room->at_engine) room->held = false;
  drop_if_unused(*room);
}

void OwnedRooms::reopen() {
  for (auto& [name, room] : rooms_) {
    if (room.has_members() && !room.at_engine && !room.over_limit) static_cast<void>(open(name));
  }
}

// A room with mail that waits is told too. The engine keeps it long enough, or closed() follows.
void OwnedRooms::tell_unwanted(RoomHome& room) noexcept {
  if (room.at_engine && !room.has_members() && !room.queued) order_->unwanted(room);
}

}  // namespace wsd::hub
