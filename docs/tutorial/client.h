// One person in the chat: the state of a connection and its three handlers.
#pragma once

#include <wsd/connection.h>
#include <wsd/message.h>

#include <string>

#include "hub.h"

namespace chat {

// Each connection owns one Client. Every method runs on the thread of the connection's reactor, so
// a Client needs no lock. Other threads cannot reach it: they have only the connection's handle and
// the room's name.
class Client final : public wsd::ConnectionData {
 public:
  Client(std::string user, std::string room) : user_(std::move(user)), room_(std::move(room)) {}

  // Called by the open, message and close handlers.
  void on_open(wsd::Connection& connection, Hub& hub);
  void on_message(wsd::Connection& connection, const wsd::Message& message, Hub& hub);
  void on_close(wsd::Connection& connection, const wsd::CloseInfo& info, Hub& hub);

 private:
  void move_to(wsd::Connection& connection, std::string room, Hub& hub);

  std::string user_;
  std::string room_;
};

// Returns whether `text` is a valid name for a user or a room: 1 to 32 letters, digits and hyphens.
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace chat
