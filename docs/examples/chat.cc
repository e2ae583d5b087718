// A chat. Each path under /rooms/ is a room, and ?user=NAME is the client's name.
//   chat [ADDRESS]; then connect WebSockets to /rooms/lobby?user=ann and /rooms/lobby?user=bob
#include <wsd/server.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace {

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

}  // namespace

int main(int argc, char** argv) {
  wsd::Server server;
  const wsd::Hub hub = server.hub();
  // The path names the room, so a client can speak only in the room that it connected to.
  const auto notice = [hub](const wsd::Connection& connection, const std::string& text) {
    hub.publish(connection.path(), wsd::MessageType::kText, std::string(connection.user()) + text);
  };
  wsd::Handlers room;
  room.upgrade = [](const wsd::Request& request) {
    std::string user = request.query_param("user").value_or("");
    if (!is_name(user)) return wsd::Upgrade::reject(400, "Add ?user=NAME, letters and digits.\n");
    return wsd::Upgrade::accept(std::move(user));
  };
  room.open = [notice](wsd::Connection& connection) {
    connection.join(connection.path());
    notice(connection, " joined");
  };
  room.message = [notice](wsd::Connection& connection, const wsd::Message& message) {
    if (message.type != wsd::MessageType::kText) return;
    notice(connection, ": " + std::string(message.payload));
  };
  room.close = [notice](wsd::Connection& c, const wsd::CloseInfo&) { notice(c, " left"); };
  server.route("/rooms/{room}", room);

  const std::string error = server.listen(argc > 1 ? argv[1] : "127.0.0.1:9003");
  if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  std::fprintf(stderr, "listening on %s\n", server.addresses().front().c_str());
  return server.run_until_signal();
}
