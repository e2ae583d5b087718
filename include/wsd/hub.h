// Rooms: publishing messages and querying state.
#pragma once

#include <functional>
#include <string_view>

#include "wsd/connection.h"
#include "wsd/message.h"
#include "wsd/presence.h"

namespace wsd {

// A handle to the server's hub. It is a small value that may be copied. Any thread may call its
// methods while the Server lives.
//
// Order: all members of a room get its messages in the same order. These calls take effect in the
// order in which one thread, or the handlers of one connection, make them:
// - publishes to one room;
// - a publish to a room, and then a join or leave of any connection. So a member gets a message
//   that was published before it left, also if its leave follows at once;
// - in a handler, a join or leave of its own connection, and then a publish to that room;
// - direct sends to one connection.
// Other calls have no order: publishes to different rooms, a publish and a direct
// Connection::send(), and calls of different threads. Nothing is delivered to a connection after
// its Connection::close(), not even a message that was published before.
class Hub {
 public:
  // For the library only; see Server::hub().
  explicit Hub(ServerCore* core) noexcept : core_(core) {}

  // These do the same as Connection::join() and Connection::leave().
  SendResult join(const Connection& connection, std::string_view room) const {
    return connection.join(room);
  }
  SendResult leave(const Connection& connection, std::string_view room) const {
    return connection.leave(room);
  }

  // Sends one message to every member of `room`. Any thread. Returns
  // - kSent if the message is on its way to the room's home shard;
  // - kCongested if the home shard is behind or memory ran out. Nothing was queued: retry later.
  //   Never returned on a reactor thread. There the message is accepted, and the reactor pauses the
  //   publishing connections until the home shard has caught up;
  // - kTooBig if the payload exceeds max_message_bytes;
  // - kClosed if the server has not started, stop() was called, or wait() has returned. The message
  //   reaches nobody. A message that another thread publishes while stop() is called may be lost,
  //   although the result is kSent. A drain takes messages until it is complete.
  // Throws std::bad_alloc if out of memory. A handler may let that exception pass, which ends its
  // connection.
  SendResult publish(std::string_view room, MessageType type, std::string_view payload) const;
  SendResult publish(std::string_view room, const Message& message) const {
    return publish(room, message.type, message.payload);
  }

  // Publishes the message and calls `receipt` once with its position, which is all zeros if the
  // room has no members and keeps no history. The call happens on a reactor thread, possibly before
  // publish() returns, and must not block. All receipts of one room are called on the same thread,
  // one after another, in the order of their positions. `receipt` is not called if the result is
  // not kSent or if the server stops first. Its exceptions are logged and have no other effect. Any
  // thread.
  using Receipt = std::function<void(const Position&)>;
  SendResult publish(std::string_view room, MessageType type, std::string_view payload,
                     Receipt receipt) const;

  // Publishes the message to every member of `room` except the connection `except`, which is
  // usually the sender. The message gets its position, its receipt and its place in the history as
  // with publish(). So the exception holds for this delivery only: if `except` joins the room later
  // and asks for messages that it missed, it gets this one too. If `except` is not a member, or has
  // ended, all members get the message.
  //
  // With an engine, `except` must be a connection of this node. If the engine cannot tell whether
  // it has stored the message (kUnknownPosition), and has, `except` gets it.
  //
  // Calls `receipt`, if it is not empty, under the rules above. Results and exceptions are those of
  // publish(). Any thread.
  SendResult publish(std::string_view room, MessageType type, std::string_view payload,
                     const Connection& except, Receipt receipt = {}) const;
  SendResult publish(std::string_view room, const Message& message,
                     const Connection& except) const {
    return publish(room, message.type, message.payload, except);
  }

  // Publishes the message unless the room had a message with the same `key` within the last five
  // minutes. So a publisher that does not know whether a publish has succeeded can repeat it. Calls
  // `receipt` once, under the same rules as publish(), with
  // - the message's position;
  // - the position of the earlier message with the key, if the type and the payload are equal;
  // - kKeyUsedPosition, if they are not equal;
  // - kRefusedPosition or kUnknownPosition, as publish() does. Then repeat the call.
  // With an engine, this holds over all nodes, and the engine stores the keys. Without an engine,
  // this server stores them: not over a restart, and per reactor thread only the latest 65,536 keys
  // in at most 16 MiB. `key` has 1 to 255 bytes; another key returns kTooBig. `receipt` must not be
  // empty. Other results and exceptions are those of publish(). Any thread.
  SendResult publish_once(std::string_view room, MessageType type, std::string_view payload,
                          std::string_view key, Receipt receipt) const;

  // Calls `callback` once with the room's state, under the same rules as a receipt. With an engine,
  // that happens when all nodes have told their members, at the latest after about 200
  // milliseconds. Returns kSent, kCongested under the same rules as publish(), or kClosed as
  // publish() does. Throws std::bad_alloc as publish() does. Any thread.
  using StateCallback = std::function<void(const RoomState&)>;
  SendResult query(std::string_view room, StateCallback callback) const;

  // Calls `callback` once with a page of the members of a room with presence (PresenceOptions),
  // under the same rules as query(). The call takes place in the room's order, so RoomMembers::last
  // tells which messages the page contains. Results and exceptions are those of query(). Any
  // thread.
  using MembersCallback = std::function<void(const RoomMembers&)>;
  SendResult members(std::string_view room, const MembersQuery& query,
                     MembersCallback callback) const;

 private:
  ServerCore* core_;
};

}  // namespace wsd
