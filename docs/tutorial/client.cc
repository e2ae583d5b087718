#include "client.h"

#include <algorithm>
#include <utility>

namespace chat {

void Client::on_open(wsd::Connection& connection, Hub& hub) { hub.join(connection, user_, room_); }

// Runs in the read step of the connection's reactor. `message.payload` is a view into the reactor's
// buffer. It is valid only until this function returns.
void Client::on_message(wsd::Connection& connection, const wsd::Message& message, Hub& hub) {
  if (message.type != wsd::MessageType::kText) {
    connection.close(wsd::CloseCode::kUnsupportedData, "this chat speaks text");
    return;
  }
  const std::string_view text = message.payload;
  constexpr std::string_view kJoin = "/join ";
  if (text.starts_with(kJoin)) {
    move_to(connection, std::string(text.substr(kJoin.size())), hub);
  } else if (text == "/quit") {
    connection.close(wsd::CloseCode::kNormalClosure, "bye");
  } else {
    hub.publish(room_, user_ + ": " + std::string(text));
  }
}

// When this runs, the connection has already left its rooms, so it does not receive its own "left".
void Client::on_close(wsd::Connection& connection, const wsd::CloseInfo& info, Hub& hub) {
  hub.leave(connection, user_, room_, wsd::close_cause_name(info.cause));
}

void Client::move_to(wsd::Connection& connection, std::string room, Hub& hub) {
  if (!is_name(room)) {
    connection.send_text("a room's name has 1 to 32 letters, digits and hyphens");
    return;
  }
  hub.leave(connection, user_, room_, "moved");
  room_ = std::move(room);
  hub.join(connection, user_, room_);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace chat
