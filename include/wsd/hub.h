// Rooms: publishing messages and querying state.
#pragma once

#include <functional>
#include <string_view>

#include "wsd/connection.h"
#include "wsd/message.h"

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
  // - kClosed if the server has not started.
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

  // Calls `callback` once with the room's state, under the same rules as a receipt. Returns kSent,
  // kCongested under the same rules as publish(), or kClosed if the server has not started. Throws
  // std::bad_alloc as publish() does. Any thread.
  using StateCallback = std::function<void(const RoomState&)>;
  SendResult query(std::string_view room, StateCallback callback) const;

 private:
  ServerCore* core_;
};

}  // namespace wsd
