// Rooms: who is in them and what is published to them.
#pragma once

#include <functional>
#include <string_view>

#include "wsd/connection.h"
#include "wsd/message.h"

namespace wsd {

// A handle on the server's hub; a small value. All methods: any thread, while the Server lives.
//
// Order: all members of a room see its messages in one order. Messages published by one thread (or
// by handlers of one connection) keep their order.
class Hub {
 public:
  // The library's: see Server::hub().
  explicit Hub(ServerCore* core) noexcept : core_(core) {}

  // The same as Connection::join() and Connection::leave().
  void join(const Connection& connection, std::string_view room) const { connection.join(room); }
  void leave(const Connection& connection, std::string_view room) const { connection.leave(room); }

  // Sends one message to every member of `room`. kSent: it is on its way to the room's home.
  // kCongested: the home is behind and nothing was queued (never on a reactor thread: there the
  // message is accepted and the publishing connections are left unread until the home has caught
  // up). Where memory runs out: std::bad_alloc, which a handler may leave to end its connection.
  // kTooBig: over max_message_bytes.
  SendResult publish(std::string_view room, MessageType type, std::string_view payload) const;
  SendResult publish(std::string_view room, const Message& message) const {
    return publish(room, message.type, message.payload);
  }

  // Likewise, and `receipt` is called with the place that the message got, all 0 where nobody was
  // in the room and no history is kept. Once, on a reactor's thread, after publish() or within it;
  // it must not block. Never where the result is not kSent, nor when the server ends before.
  using Receipt = std::function<void(const Position&)>;
  SendResult publish(std::string_view room, MessageType type, std::string_view payload,
                     Receipt receipt) const;

  // Asks the room's home how it is; `answer` is called like a receipt. kClosed: not started yet.
  using StateCallback = std::function<void(const RoomState&)>;
  SendResult query(std::string_view room, StateCallback callback) const;

 private:
  ServerCore* core_;
};

}  // namespace wsd
