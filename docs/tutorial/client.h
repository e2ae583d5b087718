// What the chat knows of one person, and what it does with what that person sends.
#pragma once

#include <wsd/connection.h>
#include <wsd/message.h>

#include <string>

#include "hub.h"

namespace chat {

// One for each connection, which owns it. Everything in here runs on one thread, that of the
// connection's reactor, as long as the connection lives: so nothing in here needs a lock. Other
// threads do not even see it: they know the connection by its handle, and the room by its name.
class Client final : public wsd::ConnectionData {
 public:
  Client(std::string user, std::string room) : user_(std::move(user)), room_(std::move(room)) {}

  // What the three handlers do.
  void on_open(wsd::Connection& connection, Hub& hub);
  void on_message(wsd::Connection& connection, const wsd::Message& message, Hub& hub);
  void on_close(wsd::Connection& connection, const wsd::CloseInfo& info, Hub& hub);

 private:
  void move_to(wsd::Connection& connection, std::string room, Hub& hub);

  std::string user_;
  std::string room_;
};

// 1 to 32 letters, digits and hyphens: what a user or a room may be called.
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace chat
