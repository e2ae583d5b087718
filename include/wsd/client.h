// A WebSocket client (RFC 6455): connections to servers, on reactors of their own.
// clang-format off
//
//   wsd::Client client;
//   std::string error = client.start();
//   wsd::Handlers handlers;
//   handlers.open = [](wsd::Connection& server) { server.send_text("hello"); };
//   handlers.message = [](wsd::Connection& server, const wsd::Message&) { server.close(); };
//   handlers.close = [&](wsd::Connection&, const wsd::CloseInfo&) { client.drain(); };
//   const auto failed = [&](const wsd::ConnectError& why) {
//     std::fprintf(stderr, "%s\n", why.text.c_str());
//     client.drain();
//   };
//   if (error.empty()) error = client.connect("ws://127.0.0.1:9001/echo", {}, handlers, failed);
//   if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
//   client.wait();  // until one of the handlers has called drain()
//
// clang-format on
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wsd/hub.h"
#include "wsd/options.h"
#include "wsd/server.h"
#include "wsd/stats.h"

namespace wsd {

class ClientCore;

// The settings that all connections of a client share. Ranges are those of check_options().
struct ClientOptions {
  // Threads. 0: one per CPU that the process may use, as in ServerOptions.
  std::uint32_t reactors = 1;
  HeartbeatOptions heartbeat;
  // Of these, max_connections, replace_oldest and reserved_descriptors have no effect. The limits
  // on the request head apply to the head of the server's response: max_request_line_bytes limits
  // its status line.
  LimitOptions limits;
  // The extension is offered unless the mode is kOff or the library was built without zlib.
  // excluded_user_agents has no effect.
  DeflateOptions deflate;
  LogOptions log{.level = LogLevel::kOff};
  std::uint32_t drain_timeout_ms = 10'000;  // drain() then resets the connections that remain
};

// The settings of one connection.
struct ConnectOptions {
  // Header fields of the opening handshake, such as Authorization or Cookie, in this order. Names
  // are tokens, and values have no control bytes. The fields of the handshake itself are rejected:
  // Host, Upgrade, Connection, Origin, Content-Length, Transfer-Encoding, Expect and all that begin
  // with Sec-WebSocket-.
  std::vector<std::pair<std::string, std::string>> headers = {};
  // Subprotocols to offer, most preferred first. Tokens, each once. Connection::subprotocol() is
  // the server's choice, or empty if the server chose none.
  std::vector<std::string> subprotocols = {};
  std::string origin = {};  // the Origin field, for a server that asks for one; empty: none
  bool deflate = true;      // offer permessage-deflate as ClientOptions::deflate says; false: never
  // From connect() to the connected socket, with the lookup of the host's name and all of its
  // addresses. At least 1.
  std::uint32_t connect_timeout_ms = 10'000;
  // From the connected socket to the complete head of the server's response. At least 1.
  std::uint32_t handshake_timeout_ms = 10'000;
};

// Why a connection was not opened.
enum class ConnectCause : std::uint8_t {
  kLookup,        // the host's name has no address
  kUnreachable,   // no address of the host accepts the connection
  kTimeout,       // connect_timeout_ms or handshake_timeout_ms has passed
  kRejected,      // the server has answered with another status than 101
  kBadResponse,   // the response is not HTTP, exceeds a limit, or breaks RFC 6455 §4.1
  kDisconnected,  // the server has ended the connection before its response was complete
  kStopped,       // drain() or stop() was called, or the Client was destroyed
  kNoResources,   // out of memory or of descriptors
};

// Returns the stable lower-case name of the cause, for example "bad_response". Any thread.
[[nodiscard]] std::string_view connect_cause_name(ConnectCause cause) noexcept;

// Tells a ConnectHandler why a connection was not opened.
struct ConnectError {
  ConnectCause cause = ConnectCause::kUnreachable;
  int http_status = 0;  // the status of the server's response; 0: there is none
  std::string text;     // a sentence with the URL and the reason; bytes of the server are escaped
};

// Called once if a connection was not opened, on its reactor's thread. It must not block. An
// exception of it is logged.
using ConnectHandler = std::function<void(const ConnectError&)>;

// A client: its threads and its connections. One thread constructs and destroys it. A process may
// have several clients, and servers besides them.
//
// Connections are of the same type as a server's, and their handlers follow the same rules. What
// differs is the role (RFC 6455):
// - Connection::remote() is the server's address, and path() the request target. user() is empty.
// - Frames are sent masked, each with a fresh key of the system's entropy source (§5.3, §10.3). A
//   masked frame of the server ends the connection with 1002 (§5.1).
// - After the closing handshake the server ends TCP first. The client does so after
//   limits.close_timeout_ms (§7.1.1).
// - The limits on messages, queues and times, and the heartbeat, apply to the server as they do to
//   a server's clients.
//
// Connection::join() and hub() work among the connections of one client: a message that is
// published to a room is sent to the servers of the members.
//
// Exceptions, processes and signals: as for Server.
class Client {
 public:
  // Constructs a client with the default options, or with `options`. Throws std::system_error if
  // the thread of the log cannot start.
  Client();
  explicit Client(const ClientOptions& options);
  // Stops the client if it still runs; see stop().
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Starts the reactors. Returns an empty string, or a sentence with the error: invalid options
  // (named as in check_options()), or no threads or descriptors available. Only once, unless the
  // options were invalid. One thread at a time.
  [[nodiscard]] std::string start();

  // Begins to open a connection, and returns at once. `url` is one of
  //   ws://HOST[:PORT][/PATH][?QUERY]   HOST is a name, an IPv4 address or an [IPv6] address; the
  //                                     default port is 80
  //   ws+unix:/SOCKET[:/PATH][?QUERY]   the socket's path ends at the first ":"
  //   unix:/SOCKET[:/PATH][?QUERY]      the same
  // Names are looked up without blocking a reactor. All addresses of a name are tried in turn.
  //
  // Returns an empty string, or a sentence that names the wrong value: a URL of another form or
  // with a fragment or credentials, a wss:// URL (the sentence names the way through a local TLS
  // proxy), invalid options, or a client that has not started or has stopped. Then no handler is
  // called. Otherwise exactly one of these happens, on the connection's reactor thread:
  // - `handlers.open` is called, later `handlers.message`, and at last `handlers.close`;
  // - `failed` is called, with the reason. Redirects are not followed: they are kRejected.
  // `handlers.upgrade` has no effect. Any of the handlers may be empty. They are destroyed after
  // the last call. May throw std::bad_alloc, and has then done nothing. Any thread.
  [[nodiscard]] std::string connect(std::string_view url, ConnectOptions options, Handlers handlers,
                                    ConnectHandler failed = {});

  // Returns a handle to the rooms of this client's connections. Any thread.
  [[nodiscard]] Hub hub() const noexcept;
  // Returns the number of connections, including those whose handshake is not complete. Any thread.
  [[nodiscard]] std::size_t connection_count() const noexcept;
  // Returns the client's figures, without work for the reactors. Any thread.
  [[nodiscard]] ServerStats stats() const;

  // Ends the client in an orderly way. Connections that are not open fail with kStopped. Open ones
  // are closed with 1001, and reset after drain_timeout_ms. Returns at once. Any thread.
  void drain();
  // Resets all connections, and waits until the reactors have stopped. Throws std::system_error on
  // a reactor thread of this client. Any thread but a reactor's.
  void stop();
  // Waits until drain() or stop() is complete. Throws std::system_error on a reactor thread of this
  // client, which cannot wait for itself. Any thread but a reactor's.
  void wait();

 private:
  std::unique_ptr<ClientCore> core_;
};

}  // namespace wsd
