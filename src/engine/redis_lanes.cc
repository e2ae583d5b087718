// The lanes: their links, and the rooms that move from one master of a cluster to another.
#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"
#include "engine/redis_rooms.h"
#include "engine/room_key.h"

namespace wsd::engine {
namespace {

constexpr std::uint64_t kMoveDelayMs = 100;  // before a master is asked again

}  // namespace

void RedisRooms::use_slots() {
  slots_ = std::make_unique<SlotLanes>();
  slots_->fill(nullptr);
  lanes_.clear();
}

RedisLane& RedisRooms::add_lane() {
  lanes_.push_back(std::make_unique<RedisLane>());
  return *lanes_.back();
}

bool RedisRooms::is_used(const RedisLane& lane) const noexcept {
  return std::ranges::find(*slots_, &lane) != slots_->end() ||
         std::ranges::any_of(
             rooms_, [&](const auto& room) { return room != nullptr && room->lane == &lane; });
}

void RedisRooms::remove_lane(const RedisLane& lane) noexcept {
  WSD_ASSERT(lane.link == nullptr && !is_used(lane));
  std::erase_if(lanes_, [&](const auto& each) { return each.get() == &lane; });
}

void RedisRooms::assign(std::unique_ptr<SlotLanes> lanes) noexcept {
  slots_ = std::move(lanes);
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] != nullptr && lane_for(*rooms_[i]) != rooms_[i]->lane) lose(*rooms_[i]);
  }
}

RedisLane* RedisRooms::lane_of(std::string_view key) const noexcept {
  return slots_ ? (*slots_)[slot_of_key(key)] : lanes_.front().get();
}

void RedisRooms::leave_lists(RedisRoom& room) noexcept {
  if (room.lane == nullptr) return;
  room.lane->to_publish.remove(room);
  room.lane->to_check.remove(room);
  room.lane->for_beat.remove(room);
}

// Moves the room to the lane of its slot. Returns false if replies are under way on the former
// lane, which decide what must be sent on the new one, and in which order: then it is called again.
bool RedisRooms::change_lane(RedisRoom& room) noexcept {
  leave_queue(room);
  if (room.unanswered != 0) {
    room.retry_at_ms = now_ms_ + kMoveDelayMs;
    is_due(room.retry_at_ms);
    return false;
  }
  leave_lists(room);
  // Without memory, the room stays subscribed on a lane whose pushes for it are left out.
  static_cast<void>(unsubscribe(room));
  room.subscribed = false;
  room.lane = lane_for(room);
  for (OwnBatch* each = room.batches.front(); each != nullptr; each = each->next.get()) {
    if (each->may_be_placed()) each->doubtful = true;
    if (each->state == OwnBatch::State::kOrphan && room.lane != nullptr) {
      each->unfenced |= room.lane->unfenced;
    }
  }
  return true;
}

// The master does not serve the room's slot, or not now. It has run nothing.
void RedisRooms::redirected(RedisRoom& room, std::string_view error) noexcept {
  tell_lost(room);
  report_.redirected();
  // A slot may be under way for long, and the room waits for that and not for the link.
  if (error.starts_with("ASK") && std::exchange(room.behind, false)) --behind_;
  if (lane_for(room) != room.lane) {
    begin_again(room);
  } else {
    begin_later(room, kMoveDelayMs);
  }
}

// Redis has surely not placed the batch, so it is sent again. That does not count as a try.
void RedisRooms::take_back(RedisRoom& room, std::uint64_t counter) noexcept {
  --room.unanswered;
  OwnBatch* const batch = room.batches.find(counter);
  if (batch == nullptr) return;
  batch->state = OwnBatch::State::kRetry;
  --batch->tries;
}

// No reply to a publish is under way.
void RedisRooms::all_answered(RedisRoom& room) noexcept {
  list_to_publish(room);
  if (lane_for(room) != room.lane) begin_again(room);
}

void RedisRooms::link_up(RedisLane& lane, RedisLink& link, const LinkUp& up) {
  lane.link = &link;
  if (!up.same_server) lane.server = ++servers_;
  lane.needs_scripts = false;
  counts_.link_up();
  if (held_back_ != 0) link.set_reading(false);
  const bool unfenced = !up.fenced && up.same_server;
  lane.unfenced |= unfenced;
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] == nullptr || rooms_[i]->lane != &lane) continue;
    RedisRoom& room = *rooms_[i];
    for (OwnBatch* each = room.batches.front(); each != nullptr; each = each->next.get()) {
      if (each->state == OwnBatch::State::kOrphan) each->unfenced |= unfenced;
      if (each->may_be_placed() && !up.same_server) each->doubtful = true;
    }
    begin_again(room);
  }
}

// All that was under way on the link is over.
void RedisRooms::forget_link(RedisRoom& room) noexcept {
  for (OwnBatch* each = room.batches.front(); each != nullptr; each = each->next.get()) {
    if (each->state == OwnBatch::State::kSent) each->state = OwnBatch::State::kOrphan;
  }
  room.phase = Phase::kWaiting;  // the queues are empty
  room.next_queued = nullptr;
  room.subscribed = false;
  room.unanswered = 0;
}

void RedisRooms::link_down(RedisLane& lane) noexcept {
  if (lane.link != nullptr) {
    counts_.link_down(*lane.link);
    lists_.link_down(*lane.link);
  }
  lane.link = nullptr;
  lane.needs_scripts = false;
  lane.large_page_out = false;
  lane.opens_out = lane.pages_out = 0;
  lane.to_open.clear();
  lane.to_page.clear();
  lane.to_publish.clear();
  lane.to_check.clear();
  lane.for_beat.clear();
  lane.leaving.clear();
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] != nullptr && rooms_[i]->lane == &lane) forget_link(*rooms_[i]);
  }
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] == nullptr || rooms_[i]->lane != &lane) continue;
    RedisRoom& room = *rooms_[i];
    lose(room);
    if (room.state == State::kLost && !std::exchange(room.behind, true)) ++behind_;
  }
}

void RedisRooms::need_scripts(RedisLane& lane) noexcept {
  lane.needs_scripts = true;
  try {
    lane.link->reload_scripts();
  } catch (const std::bad_alloc&) {
    lane.link->end("Memory ran out while the scripts were loaded again.");
  }
}

void RedisRooms::link_scripts_loaded(RedisLane& lane) {
  lane.needs_scripts = false;
  for (std::size_t i = 1; i < rooms_.size(); ++i) {
    if (rooms_[i] != nullptr && rooms_[i]->lane == &lane) list_to_publish(*rooms_[i]);
  }
}

void RedisRooms::link_beat(RedisLane& lane) {
  auto listed = std::exchange(lane.for_beat, {});
  while (!listed.empty()) {
    RedisRoom& room = listed.front();
    listed.pop();
    if (room.state != State::kLive) continue;
    if (room.follows()) {
      find_lost_pushes(room);
    } else {
      lane.for_beat.push(room);  // a page that is being read will have the messages
    }
  }
}

}  // namespace wsd::engine
