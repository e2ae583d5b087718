// The chat of docs/tutorial.md.
//   chat [ADDRESS [PING_INTERVAL_MS PONG_TIMEOUT_MS]]; then open http://ADDRESS/ in two tabs
//
// Threads:
//   main thread      sets everything up before start(), then waits for a signal
//   reactor threads  run the handlers; a connection always stays on the same reactor thread
//   Client           is used only by the reactor of its connection (client.h)
//   Hub              may be used by any thread (hub.h)
#include <wsd/server.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "client.h"
#include "hub.h"
#include "page.h"
#include "serve.h"

namespace {

wsd::ServerOptions chat_options(int argc, char** argv) {
  wsd::ServerOptions options;
  options.upgrade.subprotocols = {"chat.v1"};
  options.upgrade.allowed_origins = {};           // only the server's own page
  options.upgrade.read_buffer_size = 64 << 10;    // one per reactor
  options.upgrade.socket_send_buffer = 0;         // SO_SNDBUF; 0: the kernel decides
  options.upgrade.handshake_timeout_ms = 10'000;  // from connect to complete request
  options.limits.max_message_bytes = 4 << 10;     // enough for typed text
  options.limits.send_queue_bytes = 256 << 10;    // limit for a slow reader
  options.rates.max_messages_per_second = 20;     // enough for a person
  options.drain_window_ms = 2'000;                // spread the Close frames over this
  options.process.raise_open_file_limit = true;   // each connection is a descriptor
  if (argc > 3) {
    options.heartbeat.ping_interval_ms = static_cast<std::uint32_t>(std::atoi(argv[2]));
    options.heartbeat.pong_timeout_ms = static_cast<std::uint32_t>(std::atoi(argv[3]));
  }
  return options;
}

// Returns the value of "user" in a query such as "a=b&user=ann", or "" if it is absent.
std::string_view user_in(std::string_view query) {
  constexpr std::string_view kKey = "user=";
  while (!query.starts_with(kKey)) {
    const std::size_t next = query.find('&');
    if (next == std::string_view::npos) return {};
    query.remove_prefix(next + 1);
  }
  return query.substr(kKey.size(), query.find('&') - kKey.size());
}

wsd::Upgrade let_in(const wsd::Request& request) {
  const std::string_view user = user_in(request.query());
  const std::string_view room = request.param("room");
  if (!chat::is_name(user)) return wsd::Upgrade::reject(401, "say ?user=NAME\n");
  if (!chat::is_name(room)) return wsd::Upgrade::reject(404, "no such room\n");
  wsd::Upgrade verdict = wsd::Upgrade::accept(std::string(user));
  verdict.data = std::make_unique<chat::Client>(std::string(user), std::string(room));
  return verdict;
}

wsd::Handlers chat_handlers(chat::Hub& hub) {
  wsd::Handlers handlers;
  handlers.upgrade = let_in;
  handlers.open = [&hub](wsd::Connection& connection) {
    connection.data<chat::Client>()->on_open(connection, hub);
  };
  handlers.message = [&hub](wsd::Connection& connection, const wsd::Message& message) {
    connection.data<chat::Client>()->on_message(connection, message, hub);
  };
  handlers.close = [&hub](wsd::Connection& connection, const wsd::CloseInfo& info) {
    connection.data<chat::Client>()->on_close(connection, info, hub);
  };
  return handlers;
}

}  // namespace

int main(int argc, char** argv) {
  wsd::Server server(chat_options(argc, argv));
  chat::Hub hub(server.hub());
  server.route("/rooms/{room}", chat_handlers(hub));
  server.http("/", [](const wsd::Request&) {
    return wsd::Response{200, "text/html; charset=utf-8", chat::kPage, {}};
  });
  server.http("/seats", [&hub](const wsd::Request&) {
    return wsd::Response{.body = std::to_string(hub.seats()) + "\n", .headers = {}};
  });
  return chat::serve(server, argc > 1 ? argv[1] : "127.0.0.1:9003");
}
