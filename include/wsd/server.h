// A WebSocket server (RFC 6455): routes, listeners, reactors.
//
//   wsd::Server server;
//   wsd::Handlers echo;
//   echo.message = [](wsd::Connection& from, const wsd::Message& message) { from.send(message); };
//   server.route("/echo", echo);
//   if (std::string error = server.listen("127.0.0.1:9001"); !error.empty()) {
//     std::fprintf(stderr, "%s\n", error.c_str());
//     return 1;
//   }
//   return server.run();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wsd/close.h"
#include "wsd/connection.h"
#include "wsd/http.h"
#include "wsd/hub.h"
#include "wsd/message.h"
#include "wsd/options.h"
#include "wsd/stats.h"

namespace wsd {

// What an application does on one route. All of them run on the connection's reactor thread, must
// not block, and may be left empty. Handlers of one connection never run at the same time; those of
// different connections may. A handler that throws ends its connection with 1011. The close handler
// may still ask the connection for its facts and its data; it is in no room any more.
struct Handlers {
  // Accepts or rejects a valid opening handshake. Empty: accepts everyone as user "".
  // An exception rejects with 500.
  std::function<Upgrade(const Request&)> upgrade = {};
  std::function<void(Connection&)> open = {};
  std::function<void(Connection&, const Message&)> message = {};
  std::function<void(Connection&, const CloseInfo&)> close = {};
  // A join of that room has been refused; it may be called from within join(). Empty: the
  // connection ends with 1008, cause kRoomLimit. `room` is valid until the handler returns.
  std::function<void(Connection&, std::string_view room, JoinRefusal)> join_refused = {};
};

// Answers a plain HTTP request at once.
using HttpHandler = std::function<Response(const Request&)>;
// Answers through the Responder, whenever it can. The request's views die when it returns. The
// connection's next requests wait for the answer.
using DeferredHandler = std::function<void(const Request&, Responder)>;
// Asked once for each request when its head has come, before anything of its body is read or kept:
// what it answers is the answer, and std::nullopt lets the request through.
using HttpGuard = std::function<std::optional<Response>(const Request&)>;

// One server: its routes, its listeners, its threads. Made and taken apart by one thread.
class Server {
 public:
  // With default options, or with these.
  Server();
  explicit Server(ServerOptions options);
  // Stops at once what still runs; see stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves WebSocket on `pattern`: a path in which "{name}" stands for one non-empty segment, as in
  // "/rooms/{room}". Literal segments win over named ones. Before start().
  void route(std::string_view pattern, Handlers handlers);

  // Serves GET and HEAD on `pattern`. A path may have both: requests that ask for an upgrade go to
  // the WebSocket route. Before start().
  void http(std::string_view pattern, HttpHandler handler);
  // Serves `method`, one of RFC 9110 §9.3 or PATCH, on `pattern`; "GET" is the call above. A path
  // may have several, each once; any other is answered 405 with an Allow field. The handler is
  // called when the body is complete: a Content-Length up to max_message_bytes (413 above it), in
  // message_timeout_ms. Its bytes count in max_input_bytes while they come in. Other bodies than
  // those with a Content-Length are refused (501). A GET has none: one that comes with it ends the
  // connection after the answer. Before start().
  void http(std::string_view method, std::string_view pattern, HttpHandler handler);
  void http(std::string_view method, std::string_view pattern, DeferredHandler handler);
  // As above, for whom `judge` lets through alone. Before start().
  void http(std::string_view method, std::string_view pattern, HttpGuard judge,
            DeferredHandler handler);

  // Binds "HOST:PORT", "[V6]:PORT", ":PORT" (all addresses) or "unix:PATH"; port 0 is any free one.
  // Returns an empty string, or a sentence that says what could not be bound and why. A stale
  // socket file is replaced; one that is served by a living process is not. Before start().
  [[nodiscard]] std::string listen(std::string_view address);
  // Serves a socket that listens already, such as one that systemd has passed; reactors share it.
  // On success it is the server's; or it stays the caller's, and a sentence says what is wrong with
  // it: not open, not a stream socket of IPv4, IPv6 or Unix, not listening. A drain leaves who
  // waits in its backlog to the next process that serves it. Before start().
  [[nodiscard]] std::string adopt(int fd);
  // The bound addresses, ports filled in. Any thread.
  [[nodiscard]] std::vector<std::string> addresses() const;

  // Starts the reactors. Returns an empty string, or why it could not: bad options (see
  // check_options), no listener, no threads or descriptors. Once, and one thread at a time.
  [[nodiscard]] std::string start();

  // Stops accepting and closes every connection with 1001, each at its own moment within
  // drain_window_ms (and at most a millisecond for each connection); what is left after
  // drain_timeout_ms is cut. Who is in the backlog of a listener is answered 503. Returns at once;
  // wait() returns when it is done. Any thread.
  void drain();
  // Ends all connections without ceremony. Any thread but a reactor's.
  void stop();
  // Waits until drain() or stop() is done. Any thread but a reactor's.
  void wait();

  // How many connections drain() or stop() has ended without a complete closing handshake: cut at
  // drain_timeout_ms, silent for limits.close_timeout_ms after a drain's Close, or stopped. Peers
  // that went by themselves are not among them. Final when wait() has returned. Any thread.
  [[nodiscard]] std::size_t forced_closes() const noexcept;

  // Whether each reactor has turned since the last call, for a watchdog; and asks each anew, which
  // wakes it once. True at the first call. False once reactors have ended. One thread at a time.
  [[nodiscard]] bool check_liveness();

  // start() and wait(). Returns 0, or 1 after writing start()'s sentence to stderr. Any thread but
  // a reactor's.
  int run();

  // Rooms, from any thread; may be taken before start(), where publishing reaches nobody.
  [[nodiscard]] Hub hub() const noexcept;
  // How many connections are open, handshakes included. Any thread.
  [[nodiscard]] std::size_t connection_count() const noexcept;

  // Seeing into it. stats() costs the reactors nothing and is for any thread at any time. The other
  // three ask each reactor and wait for the answers, a second at most: any thread but a reactor's
  // of this server, where they would wait for themselves and so answer that nothing is there.
  [[nodiscard]] ServerStats stats() const;
  [[nodiscard]] Listing<ConnectionInfo> connections(const ConnectionQuery& query) const;
  // The rooms with the most members.
  [[nodiscard]] Listing<RoomInfo> rooms(std::uint32_t limit) const;
  // Starts the close handshake as Connection::close() does, and says whether there was such a
  // connection, open.
  bool close_connection(ConnectionId id, CloseCode code, std::string_view reason) const;

  // Logs one line of the application's own, "event" and "text", escaped. Any thread.
  void log(LogLevel level, std::string_view event, std::string_view text) const;

 private:
  std::unique_ptr<ServerCore> core_;
};

}  // namespace wsd
