#include "hub/owned_rooms.h"

#include <utility>

#include "base/allocation.h"
#include "base/assert.h"
#include "hub/hub.h"
#include "hub/room_engine.h"

namespace wsd::hub {

OwnedRooms::OwnedRooms(std::uint32_t shard, const Options& options, TimerWheel& wheel,
                       RoomCount& room_count, Counter& own_count)
    : shard_(shard),
      configs_(options.rules, {{}, options.history, options.window_ns, options.presence}),
      max_rooms_(options.max_rooms),
      wheel_(wheel),
      room_count_(room_count),
      own_count_(own_count),
      next_epoch_(options.first_epoch),
      windows_(configs_) {}

OwnedRooms::~OwnedRooms() {
  for (const auto& [name, room] : rooms_) {
    if (TimedHistory* const history = room.history()) wheel_.cancel(*history);
  }
}

RoomHome* OwnedRooms::find(std::string_view room) noexcept {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : &found->second;
}

const RoomHome* OwnedRooms::find(std::string_view room) const noexcept {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : &found->second;
}

// Returns the memory of a room without its history: a node of the table with its share of the
// buckets, and a name that is too long for the node.
std::size_t OwnedRooms::room_bytes(const RoomHome& room) noexcept {
  struct Node {
    void* next;
    Rooms::value_type value;
  };
  constexpr std::size_t kBucketShare = 12;  // the table has one to two buckets for each room
  static const std::size_t inline_capacity = std::string().capacity();
  const std::size_t length = room.name().size();
  return allocation_bytes(sizeof(Node)) + kBucketShare +
         (length > inline_capacity ? allocation_bytes(length + 1) : 0);
}

RoomHome& OwnedRooms::create(std::string_view name) {
  former_.reserve();
  const auto place =
      rooms_.try_emplace(std::string(name), name, next_epoch_, configs_.of(name)).first;
  RoomHome& room = place->second;
  room.set_name(place->first);
  ++next_epoch_;
  room.serial = ++last_serial_;
  room.over_limit = room_count_.add() > max_rooms_ && max_rooms_ != 0;
  // The engine does not learn of the messages of a room over the limit. So they must not have
  // positions of an epoch that the engine knows.
  const auto last = former_.take(name);
  if (last && (engine_ == nullptr || !room.over_limit)) room.continue_after(*last);
  if (order_ != nullptr) room.continue_after({});  // until the engine has opened it
  own_count_.set(rooms_.size());
  return room;
}

// A room in a queue is not unused, because the queue holds its address.
void OwnedRooms::drop_if_unused(RoomHome& room) noexcept {
  if (room.held && order_ != nullptr) tell_unwanted(room);
  if (room.has_members() || room.queued || room.held || room.has_history()) return;
  if (TimedHistory* const history = room.history()) wheel_.cancel(*history);
  if (engine_ != nullptr) engine_->close(room);
  if (order_ == nullptr) former_.remember(room.name(), room.last());
  rooms_.erase(rooms_.find(room.name()));
  own_count_.set(rooms_.size());
  room_count_.remove();
}

bool OwnedRooms::exceeds_room_limit(RoomHome& room) const noexcept {
  if (room.over_limit && room_count_.value() <= max_rooms_) room.over_limit = false;
  return room.over_limit;
}

// Returns whether a message may create its room, which has no members.
bool OwnedRooms::may_create_for_message(std::string_view name) const noexcept {
  return configs_.of(name).history.messages != 0 &&
         (max_rooms_ == 0 || room_count_.value() < max_rooms_);
}

// A room over the limit keeps no history, so that it disappears with its last refused member.
bool OwnedRooms::may_keep_history(RoomHome& room) const noexcept {
  return room.config().history.messages != 0 && !exceeds_room_limit(room);
}

OwnedRooms::JoinAnswer OwnedRooms::join(std::string_view name, std::uint32_t shard,
                                        Encoding encoding, const Since& since) {
  RoomHome* const found = find(name);
  RoomHome& room = found != nullptr ? *found : create(name);
  WSD_DCHECK(!room.has_pending());
  try {
    JoinAnswer answer;
    answer.refused = exceeds_room_limit(room);
    if (!answer.refused) answer.replay = replay(room, since, encoding);
    room.add(shard, encoding);
    return answer;
  } catch (...) {
    drop_if_unused(room);
    throw;
  }
}

void OwnedRooms::leave(std::string_view name, std::uint32_t shard, Encoding encoding) noexcept {
  RoomHome* const room = find(name);
  WSD_ASSERT(room != nullptr);
  room->remove(shard, encoding);
  drop_if_unused(*room);
}

const RoomHome* OwnedRooms::publish(std::string_view name, SharedBytes frame, std::uint64_t cost,
                                    ConnectionId except) {
  RoomHome* const found = find(name);
  if (found == nullptr ? !may_create_for_message(name)
                       : !found->has_members() && !may_keep_history(*found)) {
    discard(found, name);
    return nullptr;
  }
  RoomHome& room = found != nullptr ? *found : create(name);
  try {
    if (room.history() == nullptr && may_keep_history(room)) {
      room.keep_history(*this, history_bytes_, room_bytes(room));
    }
    if (!room.has_pending()) room.first_pending_ns = now_ns_;
    if (except != 0) room.reserve_exclusion();
    wsd_append_to_room(&room, &frame, cost, now_);
    if (except != 0) room.exclude(except);
  } catch (...) {
    drop_if_unused(room);
    throw;
  }
  arm_expiry(room);
  queue_for_fan_out(room);
  return &room;
}

// The message uses up a position, so that a client that resumes from before it gets notice of the
// gap. Not inlined, so that a message that is not discarded does not pay for it.
[[gnu::noinline]] void OwnedRooms::discard(RoomHome* room, std::string_view name) noexcept {
  if (room == nullptr) {
    // With an engine: as in create().
    if (engine_ == nullptr) {
      former_.discard(name);
    } else {
      static_cast<void>(former_.take(name));
    }
  } else {
    room->discard();
  }
}

bool OwnedRooms::keeps(std::string_view name) noexcept {
  RoomHome* const found = find(name);
  return found == nullptr ? may_create_for_message(name) : may_keep_history(*found);
}

RoomHome& OwnedRooms::hold(std::string_view name) {
  RoomHome* const found = find(name);
  RoomHome& room = found != nullptr ? *found : create(name);
  if (room.history() == nullptr) {
    try {
      room.keep_history(*this, history_bytes_, room_bytes(room));
    } catch (...) {
      drop_if_unused(room);
      throw;
    }
  }
  room.held = true;
  return room;
}

void OwnedRooms::release(RoomHome& room) noexcept {
  room.held = false;
  drop_if_unused(room);
}

RoomHome* OwnedRooms::restore(std::string_view name, const Position& last,
                              std::span<const RestoredMessage> messages) {
  if (!may_create_for_message(name)) return nullptr;
  RoomHome& room = hold(name);
  room.continue_after(last);
  RoomHistory& ring = room.history()->ring;
  for (const RestoredMessage& each : messages) {
    ring.reserve(each.at);
    ring.append(each.frame, each.at);
  }
  ring.expire(now_);
  arm_expiry(room);
  if (ring.empty()) {
    release(room);
    return nullptr;
  }
  room.held = false;
  return &room;
}

std::shared_ptr<const BatchSet> OwnedRooms::gap_notices(const RoomHome& room,
                                                        const Position& position) const {
  if (encoder_ == nullptr || room.encodings().empty()) return nullptr;
  return BatchSet::of_notices(room.encodings(), [&](Encoding encoding) {
    return encoder_->gap_notice(encoding, position);
  });
}

std::size_t OwnedRooms::remove(std::string_view name,
                               const std::optional<Position>& message) noexcept {
  RoomHome* const room = find(name);
  return room == nullptr ? 0 : room->remove(message, now_);
}

RoomState OwnedRooms::state(std::string_view name) const noexcept {
  const auto found = rooms_.find(name);
  if (found == rooms_.end()) return {0, former_.find(name).value_or(Position{})};
  return {found->second.member_count(), found->second.last()};
}

OwnedRooms::PendingBatch OwnedRooms::take_batch(RoomHome& room) {
  PendingBatch batch;
  if (room.in_window) end_window(room);
  std::vector<SharedBytes> frames = room.take_pending();
  if (room.has_members()) {
    const Position first{room.last().epoch, room.last().seq - frames.size() + 1};
    // Unique among the rooms of all shards, which an epoch is not: rooms that were restored may
    // have got equal ones from different shards.
    const std::uint64_t id = room.serial * Hub::kMaxShards + shard_;
    try {
      batch.messages = std::make_shared<const BatchSet>(
          std::move(frames), room.encodings(), encoder_, first,
          SlowPolicyFor{room.config().slow_policy, id}, room.exclusions());
    } catch (...) {
      room.put_back(std::move(frames));
      throw;
    }
  }
  room.forget_exclusions();
  batch.cost = room.take_cost();
  return batch;
}

void OwnedRooms::queue_for_fan_out(RoomHome& room) noexcept {
  if (room.queued) {
    if (room.in_window && !windows_.holds_back(room, now_ns_)) end_window(room);
  } else if (windows_.holds_back(room, now_ns_)) {
    windows_.add(room);
  } else {
    due_rooms_.push(room);
  }
}

// The room stays queued, because fan_out() must look whether it is still in use.
void OwnedRooms::end_window(RoomHome& room) noexcept {
  windows_.remove(room);
  due_rooms_.push(room);
}

void OwnedRooms::unblock() noexcept { due_rooms_.take(blocked_rooms_); }

std::unique_ptr<const Batch> OwnedRooms::replay(RoomHome& room, const Since& since,
                                                Encoding encoding) {
  const Missed missed = room.missed(since, now_);
  std::vector<SharedBytes> frames;
  if (missed.count != 0) {
    frames = room.history()->ring.last(missed.count, encoding, encoder_, room.last());
  }
  if (missed.gap && encoder_ != nullptr) {
    const Position before{room.last().epoch, room.last().seq - missed.count};
    SharedBytes notice = encoder_->gap_notice(encoding, before);
    if (notice) frames.insert(frames.begin(), std::move(notice));
  }
  // A joiner that resumes knows its position.
  if (frames.empty() && since.kind != Since::Kind::kAfter && encoder_ != nullptr) {
    SharedBytes notice = encoder_->position_notice(encoding, room.last());
    if (notice) frames.push_back(std::move(notice));
  }
  if (frames.empty()) return nullptr;
  return std::make_unique<const Batch>(Batch::of_shared(std::move(frames)));
}

// The timer fires some time after the oldest message has aged, so that it does not fire for each
// message.
void OwnedRooms::arm_expiry(RoomHome& room) noexcept {
  TimedHistory* const history = room.history();
  if (history == nullptr || history->armed() || history->ring.empty()) return;
  constexpr Tick kShare = 8;
  wheel_.arm(*history, history->ring.due(now_) + 1 + room.config().history.age / kShare);
}

void OwnedRooms::on_history_due(RoomHome& room, Tick now) {
  room.history()->ring.expire(now);
  arm_expiry(room);
  drop_if_unused(room);
}

}  // namespace wsd::hub
