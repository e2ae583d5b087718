// The seam between a shard and an engine, which keeps rooms beyond the life of the process.
//
// Without an engine, a message takes effect as soon as its home shard handles it. With one, each
// message of a room that keeps a history first gets its position, is handed to the engine, and
// waits in the line of its room. When the engine has kept it, it takes effect. So members and
// joiners see only messages that the engine has kept. Joins, leaves and queries of the room
// wait in the same line, so that the order of calls stays as without an engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/shared_bytes.h"
#include "hub/room_home.h"
#include "wsd/position.h"

namespace wsd::hub {

// Numbers the messages and removals of a shard for its engine: 1, 2, 3 and so on. The engine keeps
// in this order.
using Ticket = std::uint64_t;

// Numbers the periods in which the engine works (even) or has failed (odd). A failed engine keeps
// nothing. The number counts up, so a room knows whether its epoch is of this period.
using EngineTerm = std::uint32_t;

// The shard, as its engine sees it. Shard's thread only.
class RoomSink {
 public:
  // All up to `ticket` is kept.
  virtual void kept(Ticket ticket) noexcept = 0;
  // Nothing after the last kept() is kept, of all that was handed over so far. `term` is the term
  // from now on.
  virtual void lost(EngineTerm term) noexcept = 0;

 protected:
  ~RoomSink() = default;
};

// Keeps the messages of one shard's rooms. Shard's thread only.
class RoomEngine {
 public:
  // Takes a message, which shall have `position` in the room. `from`: messages of earlier epochs
  // are part of the room's history up to this number. `oldest` is the oldest message that the room
  // keeps. Throws std::bad_alloc if memory runs out; then nothing has changed.
  virtual Ticket publish(RoomHome& home, const Position& position, std::uint64_t oldest,
                         std::uint64_t from, const SharedBytes& frame) = 0;
  // An operator removes the message `seq`, or all messages up to `seq`. Throws as publish() does.
  virtual Ticket remove(RoomHome& home, std::uint64_t seq, bool all_before) = 0;
  // The room ends: none of its messages must be kept any longer.
  virtual void close(RoomHome& home) noexcept = 0;
  // Sends the messages and removals of this turn.
  virtual void end_turn() noexcept = 0;
  // Returns whether end_turn() would send something.
  [[nodiscard]] virtual bool has_to_send() const noexcept = 0;
  // Returns whether a message that is not kept is refused, instead of taking effect all the same.
  [[nodiscard]] virtual bool refuses() const noexcept = 0;

 protected:
  ~RoomEngine() = default;
};

}  // namespace wsd::hub
