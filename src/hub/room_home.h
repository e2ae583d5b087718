// The state of a room on its home shard: its order, its history, and the shards that have members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/allocation.h"
#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "hub/member.h"
#include "hub/room_config.h"
#include "hub/room_history.h"
#include "wsd/position.h"

namespace wsd::hub {

// Assigns the positions of one room.
class Sequencer {
 public:
  explicit Sequencer(std::uint64_t epoch) noexcept : last_{epoch, 0} {}
  Position next() noexcept {
    ++last_.seq;
    return last_;
  }
  void continue_after(const Position& last) noexcept { last_ = last; }
  [[nodiscard]] Position last() const noexcept { return last_; }

 private:
  Position last_;
};

class RoomHome;

// Learns when the history of a room may have messages that reached the age limit.
class HistoryExpiryListener {
 public:
  // May destroy `home`.
  virtual void on_history_due(RoomHome& home, Tick now) = 0;

 protected:
  ~HistoryExpiryListener() = default;
};

// A room's history, and the timer that fires when its oldest messages have aged.
class TimedHistory final : public Scheduled {
 public:
  // `room_bytes` is the memory of the room without this object.
  TimedHistory(HistoryExpiryListener& keeper, RoomHome& home, const HistoryLimits& limits,
               std::size_t& total, std::size_t room_bytes) noexcept
      : ring(limits, total, room_bytes + allocation_bytes(sizeof(TimedHistory))),
        keeper_(keeper),
        home_(home) {}
  void on_deadline(Tick now) override { keeper_.on_history_due(home_, now); }

  RoomHistory ring;

 private:
  HistoryExpiryListener& keeper_;
  RoomHome& home_;
};

// The messages that a joiner missed.
struct Missed {
  std::size_t count = 0;  // the last entries of the history
  bool gap = false;       // the joiner missed more messages than these
};

// Orders the messages of one room, and counts its members. OwnedRooms owns it. Home shard's thread
// only.
class RoomHome {
 public:
  // `config` must outlive the room, and `name` too, or until set_name().
  RoomHome(std::string_view name, std::uint64_t epoch, const RoomConfig& config)
      : name_(name), config_(config), sequencer_(epoch) {}
  RoomHome(const RoomHome&) = delete;
  RoomHome& operator=(const RoomHome&) = delete;

  struct ShardCount {
    std::uint32_t shard = 0;
    std::uint32_t members = 0;
  };

  // Counts one more member. Throws std::bad_alloc if memory runs out; then nothing has changed.
  void add(std::uint32_t shard, Encoding encoding = kIdentity);
  // Counts one member less. The shard must have a member with that encoding.
  void remove(std::uint32_t shard, Encoding encoding = kIdentity) noexcept;
  // Returns the shards that have members.
  [[nodiscard]] const std::vector<ShardCount>& shards() const noexcept { return shards_; }
  [[nodiscard]] bool has_members() const noexcept { return !shards_.empty(); }
  // Returns the encodings of the members, without kIdentity.
  [[nodiscard]] std::span<const Encoding> encodings() const noexcept { return encodings_; }

  [[nodiscard]] std::size_t member_count() const noexcept;

  // Starts a history. The references must outlive the room. `room_bytes` is the memory of the room
  // without its history, for its owner's limit.
  void keep_history(HistoryExpiryListener& keeper, std::size_t& total, std::size_t room_bytes);
  // Returns nullptr if the room keeps no history.
  [[nodiscard]] TimedHistory* history() const noexcept { return history_.get(); }
  [[nodiscard]] bool has_history() const noexcept {
    return history_ != nullptr && !history_->ring.empty();
  }
  // Returns which of the stored messages a joiner missed. First drops messages that have aged at
  // `now`.
  [[nodiscard]] Missed missed(const Since& since, Tick now) noexcept;
  // Removes one message from the history, or all of them. Returns how many were removed.
  std::size_t remove(const std::optional<Position>& message, Tick now) noexcept;

  // Assigns the next position to the frame, and stores it for the next batch and in the history.
  // `cost` is its cost at the shard's publish gate, or 0 if it has not entered the gate. Throws
  // std::bad_alloc if memory runs out; then nothing has changed.
  Position append(SharedBytes frame, std::uint64_t cost, Tick now = 0);
  // The last message that was appended is not for `member`. reserve_exclusion() must have been
  // called before append(), and throws std::bad_alloc if memory runs out.
  void reserve_exclusion();
  void exclude(ConnectionId member) noexcept;
  // Returns the members that must not get pending messages, in the order of the messages.
  [[nodiscard]] std::span<const Exclusion> exclusions() const noexcept { return exclusions_; }
  // Call it when the pending messages are taken for good.
  void forget_exclusions() noexcept;
  // A message is discarded, but uses up its position. Requires that the room has no members and no
  // history.
  void discard() noexcept;
  // The next message follows `last`. Requires that no message has a position yet.
  void continue_after(const Position& last) noexcept { sequencer_.continue_after(last); }
  // The numbers go on after `last`, in another epoch. Requires that no message is pending.
  void begin_epoch(const Position& last) noexcept;
  [[nodiscard]] bool has_pending() const noexcept { return !pending_.empty(); }
  // Returns the number and the size of the pending frames.
  [[nodiscard]] std::size_t pending_count() const noexcept { return pending_.size(); }
  [[nodiscard]] std::size_t pending_bytes() const noexcept { return pending_bytes_; }
  // Returns the pending frames. Afterwards no frame is pending.
  [[nodiscard]] std::vector<SharedBytes> take_pending() noexcept;
  // Makes frames pending again that could not be sent. No frame may be pending.
  void put_back(std::vector<SharedBytes>&& frames) noexcept;
  // Returns the cost at the publish gate of the frames since the last call.
  [[nodiscard]] std::uint64_t take_cost() noexcept;

  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  // For OwnedRooms: refers to an equal name that outlives the room.
  void set_name(std::string_view name) noexcept { name_ = name; }
  [[nodiscard]] const RoomConfig& config() const noexcept { return config_; }
  [[nodiscard]] Position last() const noexcept { return sequencer_.last(); }

  // For RoomQueue and DeliveryWindows. True if the room is in a queue, and the next room there.
  bool queued = false;
  RoomHome* next_queued = nullptr;
  // For DeliveryWindows. True if the room is queued there, and the room before it.
  bool in_window = false;
  RoomHome* previous_queued = nullptr;
  // For OwnedRooms. True if this room exceeds the room limit. Its joins are refused until other
  // rooms end. A refused joiner is a member only until it is notified.
  bool over_limit = false;
  // The time at which the first pending message got its position.
  std::uint64_t first_pending_ns = 0;
  // For OwnedRooms. No other room of the shard has had this number.
  std::uint64_t serial = 0;
  // For an engine. True while messages of the room are with it. The room must then not end.
  bool held = false;
  // The engine's own number for the room. 0: the engine has never got a message of it.
  std::uint32_t engine_number = 0;
  // The term of the engine in which the room's latest epoch began.
  std::uint32_t term = 0;
  // For an order engine: whether the engine has the room, has opened it, and is in step with it.
  bool at_engine = false;
  bool opened = false;
  bool live = false;
  // The size of the pending messages that have arrived from other nodes.
  std::size_t arrived_bytes = 0;

 private:
  std::string_view name_;
  const RoomConfig& config_;
  Sequencer sequencer_;
  std::vector<ShardCount> shards_;
  std::vector<Encoding> encodings_;
  std::vector<std::uint32_t> encoding_members_;  // the number of members for each of encodings_
  std::vector<SharedBytes> pending_;
  std::vector<Exclusion> exclusions_;
  std::size_t pending_bytes_ = 0;
  std::uint64_t pending_cost_ = 0;
  std::unique_ptr<TimedHistory> history_;
};

// Rooms in order, linked through themselves, so that a queue needs no memory. A room may be in one
// queue at most.
class RoomQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  // The room must not be in a queue.
  void push(RoomHome& room) noexcept {
    room.queued = true;
    append(&room, &room);
  }
  // Removes and returns the first room. The queue must not be empty.
  RoomHome& pop() noexcept {
    RoomHome& room = *first_;
    first_ = std::exchange(room.next_queued, nullptr);
    room.queued = false;
    return room;
  }
  // Moves all rooms of `other` to the end of this queue.
  void take(RoomQueue& other) noexcept {
    if (other.empty()) return;
    append(std::exchange(other.first_, nullptr), other.last_);
  }

 private:
  void append(RoomHome* first, RoomHome* last) noexcept {
    (empty() ? first_ : last_->next_queued) = first;
    last_ = last;
  }

  RoomHome* first_ = nullptr;
  RoomHome* last_ = nullptr;  // valid while the queue is not empty
};

// Calls home->append(). OwnedRooms orders every message of a room through this function. It has a C
// name, so that the simulation can observe the order with the linker's --wrap.
extern "C" void wsd_append_to_room(RoomHome* home, SharedBytes* frame, std::uint64_t cost,
                                   Tick now);

}  // namespace wsd::hub
