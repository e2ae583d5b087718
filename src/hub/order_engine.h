// The seam between a shard and an engine that orders rooms for several servers, called nodes.
//
// Without such an engine, a message gets its position as soon as its home shard handles it. With
// one, the engine decides the positions of all messages of a room, whichever node they come from.
// Each node has a home shard for the room, which opens the room at its engine before the first join
// or publish. From then on, the engine tells the home shard each message once, in the order of
// positions. A message of this node waits in its room's line (hub/waiting_mail.h) until it has a
// position, and so do the joins, leaves and queries that were called after it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/mail.h"
#include "hub/publish_key.h"
#include "hub/room_home.h"
#include "wsd/position.h"
#include "wsd/presence.h"

namespace wsd::hub {

// Numbers the publishes that a shard hands to its order engine: 1, 2, 3 and so on.
using PublishTicket = std::uint64_t;

// Numbers the questions of a shard for a room's members on other nodes: 1, 2, 3 and so on.
using CountTicket = std::uint64_t;

// Numbers the questions of a shard for a page of a room's members on other nodes, in the same way.
using ListTicket = std::uint64_t;

// A message that a room had when it was opened.
struct KeptMessage {
  SharedBytes frame;  // one WebSocket frame as it is sent to members (RFC 6455 §5.2)
  Tick at = 0;        // when it was published, on this node's clock
};

// Why a publish has got no position.
enum class PublishFailure : std::uint8_t {
  kRefused,  // it has no position, and will never have one
  kUnknown,  // it may have a position: if so, the room's members get it as a message of others
  kKeyUsed,  // another message of the room has its key
};

// The shard, as its order engine sees it. Shard's thread only. The engine may call it in the turn's
// engine step and in end_turn(), but not from within open(), publish(), check(), count(), list()
// and unwanted().
//
// If a call throws std::bad_alloc, nothing has changed. The engine then treats the room as lost.
class OrderSink {
 public:
  // The room is in step with the engine: its latest message has the position `last`. Joins are
  // answered from now on. The first call for a room after open() gives it its messages: `kept` are
  // the latest ones, oldest first, without a hole, up to `last`. After lost(), `kept` is empty, and
  // the messages between have come by arrived(), or missed() has told of them.
  virtual void opened(RoomHome& home, const Position& last, std::span<const KeptMessage> kept) = 0;
  // The publish with this ticket has got this position. All earlier publishes of the room have got
  // an answer. `position` follows the room's last position directly, unless missed() came between.
  virtual void placed(RoomHome& home, PublishTicket ticket, const Position& position) = 0;
  // The publish with this ticket has failed. All earlier publishes of the room have got an answer.
  // Never throws.
  virtual void failed(RoomHome& home, PublishTicket ticket, PublishFailure why) noexcept = 0;
  // The publish with this ticket is not placed, because an equal message with its key was placed at
  // `position`, maybe of an earlier epoch. All earlier publishes of the room have got an answer.
  // Never throws.
  virtual void repeated(RoomHome& home, PublishTicket ticket,
                        const Position& position) noexcept = 0;
  // A message of another node, or one whose failure was kUnknown. The same holds for `position`.
  virtual void arrived(RoomHome& home, const Position& position, SharedBytes frame, Tick at) = 0;
  // The room goes on after `last`, in the same epoch or in another one. Messages between may be
  // missing: members learn of the gap. `kept_back`: the messages that the room already has are
  // still the ones before `last`, so that its history has no hole; else its history begins anew.
  virtual void missed(RoomHome& home, const Position& last, bool kept_back) = 0;
  // The room is no longer in step with the engine. Joins wait until opened(). Members keep their
  // connections. Never throws.
  virtual void lost(RoomHome& home) noexcept = 0;
  // Answers check(): all messages that had a position when check() was called have come. Never
  // throws.
  virtual void checked(RoomHome& home) noexcept = 0;
  // Answers count(). Never throws.
  virtual void counted(CountTicket ticket, const OtherNodes& others) noexcept = 0;
  // Answers list(). `others` has the limit of the query. Never throws.
  virtual void listed(ListTicket ticket, RoomMembers&& others) noexcept = 0;
  // Returns this node's page of the room's members, for another node. Throws std::bad_alloc if
  // memory runs out.
  [[nodiscard]] virtual RoomMembers members_of(const RoomHome& home,
                                               const MembersQuery& query) const = 0;
  // The engine has forgotten the room, after unwanted() or because it could not open it. With
  // `failed`, joins that wait are refused. `home` may be destroyed in the call. Never throws.
  virtual void closed(RoomHome& home, bool failed) noexcept = 0;

 protected:
  ~OrderSink() = default;
};

// Orders the messages of one shard's rooms. Shard's thread only.
//
// The shard keeps a RoomHome alive from open() to closed(). `home.engine_number` is the engine's to
// use from open() to closed(); the shard sets it to 0 before open().
//
// The calls that may throw std::bad_alloc have then changed nothing.
class OrderEngine {
 public:
  // The room is wanted: by a join, or before a publish. Does nothing if it is open, or being
  // opened. Takes back unwanted().
  virtual void open(RoomHome& home) = 0;
  // Takes a message, after open(). Answers by placed(), repeated() or failed(), in the order of the
  // calls for one room. `frame` is one WebSocket frame as it is sent to members. `key`: the engine
  // places no second message of the room with this key within kPublishKeyMs. nullptr: it has none.
  virtual PublishTicket publish(RoomHome& home, const SharedBytes& frame,
                                const PublishKey* key) = 0;
  // Answers by checked(), once the engine is sure that it has told all messages that had a position
  // at the time of this call. If the room is lost meanwhile, the answer comes after opened().
  virtual void check(RoomHome& home) = 0;
  // Asks all other nodes for their members of a room, which need not be open here. Answers by
  // counted(), in a few hundred milliseconds at most, also if the engine is away.
  virtual CountTicket count(std::string_view room) = 0;
  // Asks all other nodes for a page of their members of a room with presence. Answers by listed(),
  // as count() does by counted().
  virtual ListTicket list(std::string_view room, const MembersQuery& query) = 0;
  // No member and no waiting mail needs the room any more. The engine closes it some time later.
  virtual void unwanted(RoomHome& home) noexcept = 0;
  // Messages wait in this room because members are slow: `waits` again with false when they have
  // been sent. The engine then reads no more from its server until all such rooms are free.
  virtual void hold_back(bool waits) noexcept = 0;
  // Sends the publishes of this turn.
  virtual void end_turn() noexcept = 0;
  // Returns whether end_turn() would send something.
  [[nodiscard]] virtual bool has_to_send() const noexcept = 0;

 protected:
  ~OrderEngine() = default;
};

}  // namespace wsd::hub
