// The rooms that have their home on one shard: their order, limits and history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/counter.h"
#include "base/name_hash.h"
#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "hub/delivery_windows.h"
#include "hub/former_rooms.h"
#include "hub/room_config.h"
#include "hub/room_home.h"
#include "hub/shrink_table.h"
#include "hub/timer_wheel.h"
#include "wsd/position.h"

namespace wsd::hub {

class RoomCount;
class RoomEngine;
class OrderEngine;
struct KeptMessage;

// A message that a room had before the server started. Without a frame, it was removed.
struct RestoredMessage {
  SharedBytes frame;
  Tick at = 0;  // when it was published
};

// Owns the rooms whose home is this shard. Decides the order of each room's messages, which joins
// the room limit allows, and which messages a joiner missed.
//
// OwnedRooms decides and returns values; the shard sends. It knows no mailbox, flow gate, member or
// other shard: members appear only as counts per shard and encoding. Time enters through
// begin_turn() alone. An engine that keeps the messages (room_engine.h) is the shard's affair too;
// OwnedRooms only tells it that a room has ended.
//
// A room exists while it has members, pending messages or history. A room that comes back continues
// its epoch, if FormerRooms still knows its position, and has a new epoch otherwise. No room gets
// an epoch that another room of this shard has had since the server started.
//
// Reactor thread only. Each call that throws std::bad_alloc changes nothing that a caller can
// observe, so the caller may try it again later.
class OwnedRooms final : private HistoryExpiryListener {
 public:
  struct Options {
    std::uint64_t first_epoch = 1;
    std::uint32_t max_rooms = 0;  // on all shards; 0: unlimited
    HistoryLimits history = {};
    std::vector<RoomConfigRule> rules = {};  // the first rule that matches overrides the others
    std::uint64_t window_ns = 0;             // see RoomConfig
    bool presence = false;                   // see RoomConfig
  };

  // `shard` is the index of this shard. `wheel` runs the timers of histories. `room_count` counts
  // the rooms of all shards, and `own_count` reports those of this shard. The references must
  // outlive this object.
  OwnedRooms(std::uint32_t shard, const Options& options, TimerWheel& wheel, RoomCount& room_count,
             Counter& own_count);
  OwnedRooms(const OwnedRooms&) = delete;
  OwnedRooms& operator=(const OwnedRooms&) = delete;
  ~OwnedRooms();

  // Sets the encoder for batches and replays. Without an encoder, every member gets the plain
  // encoding. The encoder must outlive the last call.
  void set_encoder(Encoder* encoder) noexcept { encoder_ = encoder; }
  // Sets the engine, before the first call of another method. It must outlive the last call.
  void set_engine(RoomEngine* engine) noexcept { engine_ = engine; }
  // Sets the order engine instead, under the same terms. Then all positions come from the engine.
  void set_order_engine(OrderEngine* engine) noexcept { order_ = engine; }
  // Sets the time until the next turn: `now` ages histories, and `now_ns` stamps the first pending
  // message of each batch. The rooms whose delivery windows have ended are due for fan_out().
  void begin_turn(Tick now, std::uint64_t now_ns) noexcept {
    now_ = now;
    now_ns_ = now_ns;
    if (windows_.in_use()) windows_.take_ended(now_ns, due_rooms_);
  }
  // Returns the delivery windows of the rooms.
  [[nodiscard]] const DeliveryWindows& windows() const noexcept { return windows_; }
  // From here on, all messages are due for fan_out() in their turn.
  void close_windows() noexcept { windows_.close(due_rooms_); }

  // Returns the times that begin_turn() has set.
  [[nodiscard]] Tick now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_ns_; }

  // Returns the room, or nullptr if it does not exist.
  [[nodiscard]] RoomHome* find(std::string_view room) noexcept;
  [[nodiscard]] const RoomHome* find(std::string_view room) const noexcept;

  struct JoinAnswer {
    std::unique_ptr<const Batch> replay;  // nullptr: the joiner missed nothing
    bool refused = false;
  };
  // Counts one more member on `shard`, and creates the room if it does not exist. Returns the
  // messages that the joiner missed since `since`, or `refused` if the room exceeds the room limit.
  // A refused member is counted too, so the caller must call leave() for it as for any other. If
  // the joiner would not learn its position otherwise, the answer is a position notice, so that it
  // can resume even if it loses its connection before the first message.
  //
  // The room must have no pending messages: the caller must first send them to the earlier members,
  // because the replay ends at the last message with a position.
  [[nodiscard]] JoinAnswer join(std::string_view room, std::uint32_t shard, Encoding encoding,
                                const Since& since);
  // Counts one member on `shard` less. It must have been counted with the same encoding. Needs no
  // memory.
  void leave(std::string_view room, std::uint32_t shard, Encoding encoding) noexcept;

  // Gives the message the next position of its room. The message is pending until take_batch(), and
  // the room is due for fan_out(), at the latest when its delivery window ends. Returns the room,
  // which stays valid until the next call of leave(), fan_out() or the wheel. Returns nullptr if
  // the message was discarded: the room has no members and keeps no history.
  //
  // `cost` is the cost of the message at the publish gate, or 0 if it has not entered the gate.
  // take_batch() returns it; if the result is nullptr, the caller must take it out of the gate.
  // The member `except` does not get the message, unless a later join replays it. 0: all get it.
  [[nodiscard]] const RoomHome* publish(std::string_view room, SharedBytes frame,
                                        std::uint64_t cost, ConnectionId except = 0);

  // With an engine. Returns whether a message for the room must be kept before it takes effect: the
  // room exists or may be created, and keeps a history.
  [[nodiscard]] bool keeps(std::string_view room) noexcept;
  // Returns the room, which will not end before release(), and creates it if it does not exist.
  // Requires keeps(). Throws std::bad_alloc if memory runs out; then nothing has changed.
  [[nodiscard]] RoomHome& hold(std::string_view room);
  void release(RoomHome& room) noexcept;
  // Returns an epoch that no room has had.
  [[nodiscard]] std::uint64_t new_epoch() noexcept { return next_epoch_++; }
  // Gives the room the messages and the position that it had before the server started. Returns
  // nullptr if it keeps no history, if all messages are too old, or if it exceeds the room limit.
  // Call it after begin_turn(), before any other call for this room. Throws std::bad_alloc if
  // memory runs out.
  [[nodiscard]] RoomHome* restore(std::string_view room, const Position& last,
                                  std::span<const RestoredMessage> messages);
  // Returns frames that tell the members of a gap in the room's order, for members that get such
  // frames: messages up to `position` are missing. nullptr if there are none.
  [[nodiscard]] std::shared_ptr<const BatchSet> gap_notices(const RoomHome& room,
                                                            const Position& position) const;

  // With an order engine (owned_rooms_order.cc).
  //
  // Returns the room after OrderEngine::open(), and creates it if it does not exist. Returns
  // nullptr if it exceeds the room limit. The room stays until closed().
  [[nodiscard]] RoomHome* open(std::string_view room);
  // The room begins with these messages, which `last` ends.
  void restore_kept(RoomHome& room, const Position& last, std::span<const KeptMessage> kept);
  // As publish(), for a message that has the next position of its room. Returns false if it was
  // discarded.
  [[nodiscard]] bool place(RoomHome& room, SharedBytes frame, std::uint64_t cost, Tick at,
                           ConnectionId except = 0);
  // The engine has the room no longer. `in_use`: mail of the room waits, so that it must stay until
  // drop_if_unwanted().
  void closed(RoomHome& room, bool in_use) noexcept;
  // No mail of the room waits any more.
  void drop_if_unwanted(std::string_view room) noexcept;
  // Opens the rooms with members that the engine has closed.
  void reopen();

  // Removes one message from the room's history, or all of them. Returns how many were removed.
  // Members that have a message in their send queues still get it. Needs no memory.
  std::size_t remove(std::string_view room, const std::optional<Position>& message) noexcept;

  // Returns the number of members and the last position. Both are 0 if the room does not exist, but
  // the position of a former room may still be known.
  [[nodiscard]] RoomState state(std::string_view room) const noexcept;

  // The pending messages of one room. The targets are room.shards().
  struct PendingBatch {
    std::shared_ptr<const BatchSet> messages;  // nullptr: the room has no members
    std::uint64_t cost = 0;                    // that must leave the publish gate
  };
  // Returns the pending messages in every encoding that a member wants. Afterwards no message is
  // pending. `room` must belong to this object.
  [[nodiscard]] PendingBatch take_batch(RoomHome& room);

  enum class FanOutResult : std::uint8_t {
    kSent,     // no message is pending any more
    kBlocked,  // a target's gate is closed: wait for unblock()
    kRetry,    // memory ran out: try again in the next fan_out()
  };
  // Calls `send` once for each room with pending messages, in the order of their first message, and
  // acts on the FanOutResult. A room that becomes due during the pass waits for the next one, so
  // the pass is bounded. `send` may call only take_batch(), and must not throw.
  template <class Send>
  void fan_out(Send send) noexcept {
    RoomQueue pass;
    pass.take(due_rooms_);
    while (!pass.empty()) {
      RoomHome& room = pass.pop();
      // The messages that made the room due were sent by a join or leave, and others followed.
      if (windows_.holds_back(room, now_ns_)) {
        windows_.add(room);
        continue;
      }
      switch (send(room)) {
        case FanOutResult::kSent:
          drop_if_unused(room);
          break;
        case FanOutResult::kBlocked:
          blocked_rooms_.push(room);
          break;
        case FanOutResult::kRetry:
          queue_for_fan_out(room);
          break;
      }
    }
  }
  // Returns whether fan_out() would call `send`.
  [[nodiscard]] bool has_to_fan_out() const noexcept { return !due_rooms_.empty(); }
  // Makes every blocked room due for fan_out() again. Needs no memory.
  void unblock() noexcept;

  // Returns whether the room has presence, also if it does not exist.
  [[nodiscard]] bool has_presence(std::string_view room) const noexcept {
    return configs_.of(room).presence;
  }
  // Returns whether any room has presence.
  [[nodiscard]] bool any_presence() const noexcept {
    bool any = false;
    configs_.for_each([&any](const RoomConfig& each) { any = any || each.presence; });
    return any;
  }

  // Returns the number of rooms.
  [[nodiscard]] std::size_t size() const noexcept { return rooms_.size(); }
  // Calls `visit` with each room, in an unspecified order. `visit` must not call this object.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [name, room] : rooms_) visit(room);
  }
  // Frees the space for more rooms than there are now.
  void shrink() noexcept { shrink_table(rooms_); }
  // Returns the size of all histories as counted against HistoryLimits::total_bytes.
  [[nodiscard]] std::size_t history_bytes() const noexcept { return history_bytes_; }

 private:
  using Rooms = std::unordered_map<std::string, RoomHome, NameHash, std::equal_to<>>;

  [[nodiscard]] static std::size_t room_bytes(const RoomHome& room) noexcept;
  [[nodiscard]] RoomHome& create(std::string_view name);
  void drop_if_unused(RoomHome& room) noexcept;
  [[nodiscard]] bool exceeds_room_limit(RoomHome& room) const noexcept;
  [[nodiscard]] bool may_create_for_message(std::string_view name) const noexcept;
  [[nodiscard]] bool may_keep_history(RoomHome& room) const noexcept;
  [[nodiscard]] std::unique_ptr<const Batch> replay(RoomHome& room, const Since& since,
                                                    Encoding encoding);
  void queue_for_fan_out(RoomHome& room) noexcept;
  void end_window(RoomHome& room) noexcept;
  void arm_expiry(RoomHome& room) noexcept;
  void discard(RoomHome* room, std::string_view name) noexcept;
  void tell_unwanted(RoomHome& room) noexcept;
  void on_history_due(RoomHome& room, Tick now) override;

  const std::uint32_t shard_;
  const RoomConfigTable configs_;
  const std::uint32_t max_rooms_;
  TimerWheel& wheel_;
  RoomCount& room_count_;
  Counter& own_count_;
  Encoder* encoder_ = nullptr;
  RoomEngine* engine_ = nullptr;
  OrderEngine* order_ = nullptr;
  Tick now_ = 0;
  std::uint64_t now_ns_ = 0;
  std::uint64_t next_epoch_;
  std::uint64_t last_serial_ = 0;
  std::size_t history_bytes_ = 0;  // before rooms_: the histories subtract from it when they end
  Rooms rooms_;
  FormerRooms former_;
  DeliveryWindows windows_;
  RoomQueue due_rooms_;      // due for fan_out()
  RoomQueue blocked_rooms_;  // waiting for unblock()
};

}  // namespace wsd::hub
