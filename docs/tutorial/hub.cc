#include "hub.h"

#include <string>

namespace chat {

void Hub::join(const wsd::Connection& connection, std::string_view user, std::string_view room) {
  rooms_.join(connection, room);
  seats_.fetch_add(1, std::memory_order_relaxed);
  publish(room, std::string(user) + " joined");
}

void Hub::leave(const wsd::Connection& connection, std::string_view user, std::string_view room,
                std::string_view why) {
  rooms_.leave(connection, room);
  seats_.fetch_sub(1, std::memory_order_relaxed);
  publish(room, std::string(user) + " left (" + std::string(why) + ")");
}

wsd::SendResult Hub::publish(std::string_view room, std::string_view line) const {
  return rooms_.publish(room, wsd::MessageType::kText, line);
}

}  // namespace chat
