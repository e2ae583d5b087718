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
//   return server.run_until_signal();
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
#include "wsd/route_options.h"
#include "wsd/stats.h"
#include "wsd/timer.h"

namespace wsd {

// The functions of an application on one route. Each may be left empty. All run on the connection's
// reactor thread and must not block. Handlers of one connection never run at the same time;
// handlers of different connections may. If a handler throws an exception, its connection ends with
// 1011. In the close handler, the connection's properties and data are still available, but the
// connection is no longer in any room.
struct Handlers {
  // Accepts or rejects a valid opening handshake. If empty, every client is accepted, as user "".
  // An exception rejects the handshake with 500.
  std::function<Upgrade(const Request&)> upgrade = {};
  // The same, for a verdict that takes its time, such as a look into a database. The verdict comes
  // through the UpgradeResponder, at any time and from any thread. The request's views are valid
  // until the handler returns. Until the verdict, the connection is in its opening handshake: bytes
  // that the client sends meanwhile wait, and handshake_timeout_ms goes on. Then the client gets
  // the response, the other handlers are called and the bytes are read, as after `upgrade`. A
  // client that ends its direction of the stream before the verdict is taken for disconnected. An
  // exception ends the handler, but not the handshake: see UpgradeResponder. Only one of `upgrade`
  // and `deferred_upgrade` may be set.
  std::function<void(const Request&, UpgradeResponder)> deferred_upgrade = {};
  std::function<void(Connection&)> open = {};
  std::function<void(Connection&, const Message&)> message = {};
  std::function<void(Connection&, const CloseInfo&)> close = {};
  // Called when a join was refused, possibly from within join(). `room` is valid until the handler
  // returns. If empty, the connection ends with 1008 (kEngine: 1011), cause kRoomLimit.
  std::function<void(Connection&, std::string_view room, JoinRefusal)> join_refused = {};
  // Called once after Connection::notify_drained(), when the send queue has drained to its mark.
  std::function<void(Connection&)> drained = {};
  // Called for each Pong that does not answer a Ping of the heartbeat. So it may answer
  // Connection::ping(), or be unsolicited (RFC 6455 §5.5.3): compare the payload. A peer may answer
  // only the latest of several Pings. `payload` is valid until the handler returns.
  std::function<void(Connection&, std::string_view payload)> pong = {};
};

// Returns the response to a plain HTTP request. Runs on a reactor thread and must not block. If it
// throws an exception, the client gets 500.
using HttpHandler = std::function<Response(const Request&)>;
// Responds through the Responder, at any time and from any thread. Runs on a reactor thread and
// must not block. The request's views are valid until it returns. Later requests of the connection
// wait for the response. An exception ends the handler, but not the request: see Responder.
using DeferredHandler = std::function<void(const Request&, Responder)>;
// Called once per request, when the head is complete and before any of the body is read. A returned
// Response is sent to the client and ends the request. std::nullopt lets the request proceed. Runs
// on a reactor thread and must not block. If it throws an exception, the client gets 500.
using HttpGuard = std::function<std::optional<Response>(const Request&)>;

// A server: its routes, listeners and threads. One thread constructs and destroys it.
//
// Exceptions: any function that is not noexcept may throw std::bad_alloc if out of memory. Each
// function names its other exceptions. Errors that do not come from the program's own text, such as
// an address that is in use, are returned as sentences.
//
// Processes and signals: the process may fork() while the server runs. All descriptors are
// close-on-exec. A child that does not call exec() must not use the server and must end with
// _exit(), because it has none of the threads. While a child holds the descriptors, the peer of a
// connection that was reset does not notice the end. The server changes no signal handler, except
// in run_until_signal(), and no write of its threads raises SIGPIPE. Its threads inherit the signal
// mask of the thread that constructs or starts it, so block there the signals that another thread
// waits for.
class Server {
 public:
  // Constructs a server with the default options, or with `options`. Throws std::system_error if
  // the thread of the log cannot start.
  Server();
  explicit Server(ServerOptions options);
  // Stops the server if it still runs; see stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves WebSocket on `pattern`: a path in which "{name}" matches one non-empty segment, as in
  // "/rooms/{room}". "{name...}" at the end, as in "/files/{path...}", matches the rest of the
  // path: one or more segments, the first of them not empty. So "/files/" is not matched, and needs
  // a route of its own. If several patterns match a path, the first segment in which they differ
  // decides: a literal segment wins over "{name}", and "{name}" over "{name...}". The order of the
  // calls has no effect. Throws std::invalid_argument if check_route_pattern() does not accept the
  // pattern, if it matches the same paths as one that was added before, or if both `upgrade` and
  // `deferred_upgrade` are set. Throws std::logic_error
  // if start() was called before. Before start().
  void route(std::string_view pattern, Handlers handlers);
  // Does the same, with settings of its own for the connections of this route. start() checks them.
  // Before start().
  void route(std::string_view pattern, Handlers handlers, RouteOptions options);

  // Serves GET and HEAD on `pattern`. A path may have an HTTP route and a WebSocket route. Requests
  // that ask for an upgrade go to the WebSocket route. Throws the exceptions of the overload below.
  // Before start().
  void http(std::string_view pattern, HttpHandler handler);
  // Serves `method`, one of RFC 9110 §9.3 or PATCH, on `pattern`; for "GET" it is the same as the
  // overload above. A path may have several methods, each added once. Any other method gets 405
  // with an Allow field.
  //
  // The handler is called when the body is complete. A body has a Content-Length or is chunked (RFC
  // 9112 §7.1); with another transfer coding it gets 501. It has at most max_message_bytes, decoded
  // (otherwise 413), and must arrive within message_timeout_ms. Until it is complete, its bytes
  // count in max_input_bytes. A GET has no body: if one comes with it, the connection ends after
  // the response.
  //
  // Throws std::invalid_argument if the method is unknown or HEAD (the handler of GET serves it),
  // if check_route_pattern() does not accept the pattern, if the pattern has that method already or
  // matches the same paths as one with other names, or if the handler is empty. Throws
  // std::logic_error if start() was called before. Before start().
  void http(std::string_view method, std::string_view pattern, HttpHandler handler);
  void http(std::string_view method, std::string_view pattern, DeferredHandler handler);
  // Does the same, but calls `guard` first, which may reject the request. An empty `guard` allows
  // every request. Before start().
  void http(std::string_view method, std::string_view pattern, HttpGuard guard,
            DeferredHandler handler);

  // Binds "HOST:PORT", "[V6]:PORT", ":PORT" (all addresses) or "unix:PATH". Port 0 chooses a free
  // port, and "[::]" includes IPv4. Returns an empty string, or a sentence that names the address
  // and the error; if sockets of this process are in the way, it names them. After start() it
  // returns an error. A stale socket file is replaced, but not one that a running process serves.
  // While the file is made or removed, its directory is locked with flock(2): the call waits for
  // another holder of the lock, at most 5 seconds. Before start().
  [[nodiscard]] std::string listen(std::string_view address);
  // Serves a socket that is already listening, for example one passed by systemd. All reactors
  // share it. Returns an empty string on success, and the server then owns `fd`. Otherwise the
  // caller keeps `fd`, and the returned sentence gives the error: not open, not an IPv4, IPv6 or
  // Unix stream socket, not listening, or called after start(). A drain leaves the clients in the
  // socket's backlog to the next process that serves it. Before start().
  [[nodiscard]] std::string adopt(int fd);
  // Returns the bound addresses, with the actual ports. Any thread.
  [[nodiscard]] std::vector<std::string> addresses() const;

  // Starts the reactors. Returns an empty string, or a sentence with the error: invalid options
  // (see check_options()), no listener, or no threads or descriptors available. After invalid
  // options and without a listener it may be called again, otherwise only once: after any other
  // error or an exception the server can only be destroyed. Changes nothing of the process except
  // what ServerOptions::process asks for. One thread at a time.
  [[nodiscard]] std::string start();

  // Ends the server in an orderly way. First it serves and accepts as before for drain_delay_ms,
  // but makes each HTTP response the last one of its connection. Then it stops accepting and closes
  // every connection with 1001. The Close frames are spread over drain_window_ms, but over at most
  // one millisecond per connection. After drain_timeout_ms more the remaining connections are
  // force-closed. Clients in the backlog of a listener get 503. Returns at once; wait() returns
  // when the drain is complete. Before start(), it makes the server end as soon as it has started,
  // after drain_delay_ms. Any thread.
  void drain();
  // Returns whether drain() or stop() was called. A readiness probe should then fail, although the
  // server goes on serving for drain_delay_ms. Any thread.
  [[nodiscard]] bool draining() const noexcept;
  // Resets all connections, without closing handshakes, and waits until the reactors have stopped.
  // Before start(), it makes the server end as soon as it has started. Throws std::system_error on
  // a reactor thread of this server. Any thread but a reactor's.
  void stop();
  // Waits until drain() or stop() is complete. Throws std::system_error on a reactor thread of this
  // server, which cannot wait for itself. Any thread but a reactor's.
  void wait();

  // Returns how many connections drain() or stop() ended without a complete closing handshake. They
  // were force-closed at drain_timeout_ms, did not answer a drain's Close frame within
  // limits.close_timeout_ms, or were stopped. Connections that the peer ended are not counted. The
  // number is final when wait() has returned. Any thread.
  [[nodiscard]] std::size_t forced_closes() const noexcept;

  // For a watchdog. Returns whether every reactor has completed a turn since the previous call, and
  // then wakes each of them once for the next one. Returns true on the first call after start(),
  // and false before start() and after the reactors have stopped. One thread at a time.
  [[nodiscard]] bool check_liveness();

  // Calls start() and wait(). Returns 0, or 1 after writing the error of start() to standard error.
  // Throws as wait() does. Any thread but a reactor's.
  int run();
  // Calls run(), and handles SIGTERM and SIGINT meanwhile: the first one calls drain(), so that
  // every client gets a Close frame with 1001. A second one ends the process at once. A signal that
  // the process ignores stays ignored. For the time of the call, the server changes the handlers of
  // these two signals, and restores them afterwards. At least one thread must not block them.
  // Returns also when something else has ended the server. Throws as run() does, and
  // std::logic_error if the call runs for another server of the process. Any thread but a
  // reactor's.
  int run_until_signal();

  // Returns a handle to the rooms. It may be taken before start(), but its methods have no effect
  // until then. Any thread.
  [[nodiscard]] Hub hub() const noexcept;
  // Returns the number of connections, including those in the handshake. Any thread.
  [[nodiscard]] std::size_t connection_count() const noexcept;

  // Returns the number of reactors. Their indexes, for post() and start_timer(), begin with 0. Any
  // thread.
  [[nodiscard]] std::uint32_t reactor_count() const noexcept;
  // Runs `task` on the thread of a reactor, in a later turn. Tasks of one thread for one reactor
  // keep their order. An exception is logged. A task that still waits when the server stops is
  // destroyed with the server. Returns the results of Connection::post(), and kClosed if there is
  // no reactor `reactor`. Throws std::invalid_argument if `task` is empty. Any thread.
  SendResult post(std::uint32_t reactor, std::function<void()> task) const;
  // Calls `handler` on the thread of a reactor once, after `delay_ms` milliseconds, or every
  // `interval_ms` milliseconds, at least 10. The timer ends with the server: it neither fires after
  // wait() has returned nor keeps the server from ending. See Timer for the resolution. An
  // exception is logged, and a repeating timer goes on. Returns a timer that is not active if
  // post() would not return kSent. Throws std::invalid_argument if `handler` is empty. Any thread.
  [[nodiscard]] Timer start_timer(std::uint32_t reactor, std::uint32_t delay_ms,
                                  std::function<void()> handler) const;
  [[nodiscard]] Timer start_repeating_timer(std::uint32_t reactor, std::uint32_t interval_ms,
                                            std::function<void()> handler) const;

  // Returns the server's figures, without work for the reactors. Any thread.
  [[nodiscard]] ServerStats stats() const;

  // The functions from here to close_room() ask the reactors and wait at most one second for each
  // answer. On a reactor thread of this server they would wait for themselves, so there they return
  // an empty result or false.
  //
  // Returns the connections that `query` selects. Any thread but a reactor's.
  [[nodiscard]] Listing<ConnectionInfo> connections(const ConnectionQuery& query) const;
  // Returns the rooms with the most members: at most `limit`, and at most kMaxListingRows. Any
  // thread but a reactor's.
  [[nodiscard]] Listing<RoomInfo> rooms(std::uint32_t limit) const;
  // Starts the closing handshake as Connection::close() does. Returns true if the connection
  // existed and was open. Any thread but a reactor's.
  bool close_connection(ConnectionId id, CloseCode code, std::string_view reason) const;

  // Returns a page of the connections that `filter` selects: at most `limit` rows, and at most
  // kMaxListingRows. Begin with cursor 0, and go on with ConnectionPage::next until it is 0. A
  // connection that is selected all that time is in one page exactly. Each reactor looks at about
  // 1,000 connections per turn, so that no other connection waits for long. Any thread but a
  // reactor's.
  [[nodiscard]] ConnectionPage find_connections(const ConnectionFilter& filter,
                                                std::uint64_t cursor, std::uint32_t limit) const;
  // Closes all open connections that `filter` selects, as Connection::close() does, in portions
  // that delay other connections little. Connections that open, or that join the room, during the
  // call may be missed. Any thread but a reactor's.
  CloseResult close_connections(const ConnectionFilter& filter, CloseCode code,
                                std::string_view reason) const;

  // Removes one message, or all messages, from the history of a room. Later joins do not get them.
  // Members get them if they are already on their way. The positions of other messages do not
  // change, and a client that resumes from before a removed message gets no gap notice. Returns how
  // many messages were removed, or std::nullopt if the room's reactor did not answer in time. With
  // an engine (EngineOptions), no message can be removed, and std::nullopt is returned. Any thread
  // but a reactor's.
  std::optional<std::uint64_t> remove_message(std::string_view room, const Position& message) const;
  std::optional<std::uint64_t> clear_history(std::string_view room) const;
  // Closes the connections that have joined the room, and then clears its history. With an engine
  // (EngineOptions), closes only the connections of this node, and keeps the history. The next join
  // opens the room again: to keep clients out, reject them in Handlers::upgrade. Any thread but a
  // reactor's.
  RoomCloseResult close_room(std::string_view room, CloseCode code, std::string_view reason) const;

  // Logs one entry of the application, with `event` and `text` escaped. Any thread.
  void log(LogLevel level, std::string_view event, std::string_view text) const;

 private:
  std::unique_ptr<ServerCore> core_;
};

}  // namespace wsd
