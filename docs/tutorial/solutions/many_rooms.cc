// Exercise 1: one connection in many rooms.
//   many_rooms [ADDRESS]; then "+ROOM" joins, "-ROOM" leaves, "ROOM TEXT" speaks
#include <wsd/server.h>

#include <algorithm>
#include <string>

#include "serve.h"

namespace {

bool is_in(const wsd::Connection& connection, std::string_view room) {
  const std::vector<std::string_view> rooms = connection.rooms();
  return std::find(rooms.begin(), rooms.end(), room) != rooms.end();
}

}  // namespace

int main(int argc, char** argv) {
  wsd::ServerOptions options;
  options.rates.max_rooms_per_connection = 3;
  wsd::Server server(options);
  wsd::Handlers handlers;
  handlers.message = [hub = server.hub()](wsd::Connection& from, const wsd::Message& message) {
    const std::string_view text = message.payload;
    if (text.starts_with('+')) {
      from.join(text.substr(1));
    } else if (text.starts_with('-')) {
      from.leave(text.substr(1));
    } else {
      // The first word names the room. Only members may speak. Without this check, a client could
      // write to any room whose name it knows.
      const std::string_view room = text.substr(0, text.find(' '));
      if (!is_in(from, room)) {
        from.send_text("not in " + std::string(room));
        return;
      }
      hub.publish(room, wsd::MessageType::kText, text);
    }
  };
  // Without this handler, a join that exceeds the limit closes the connection with 1008.
  handlers.join_refused = [](wsd::Connection& from, std::string_view room, wsd::JoinRefusal) {
    from.send_text("no more rooms: " + std::string(room));
  };
  server.route("/", handlers);
  return chat::serve(server, argc > 1 ? argv[1] : "127.0.0.1:9003");
}
