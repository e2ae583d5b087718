// HTTP requests and responses, as handlers see them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wsd/connection.h"

namespace wsd {

// Nchan's subprotocol. On a connection that uses it, each message of a room begins with its
// position: "id: EPOCH:SEQ\n", then an empty line, then the payload. All of it is one message of
// the original type. Two notices are empty messages with a second line "content-type: TYPE\n":
// - kGapContentType reports a gap; see Connection::join().
// - kPositionContentType reports the position from which the client can resume. It comes after a
//   join that replays nothing and was not from a position, and in a replay in the stead of messages
//   that Server::remove_message() or Server::clear_history() has removed.
// send() is not affected. permessage-deflate is never used with this subprotocol.
inline constexpr std::string_view kNchanSubprotocol = "ws+meta.nchan";
// The content type of a message that reports a gap.
inline constexpr std::string_view kGapContentType = "application/vnd.wsd.gap";
// The content type of a message that reports a position.
inline constexpr std::string_view kPositionContentType = "application/vnd.wsd.position";

// A request. Its views are valid until the handler returns. Implemented by the library.
class Request {
 public:
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  virtual ~Request() = default;

  // The method as received, for example "GET".
  [[nodiscard]] virtual std::string_view method() const = 0;
  [[nodiscard]] virtual std::string_view path() const = 0;   // as received, not percent-decoded
  [[nodiscard]] virtual std::string_view query() const = 0;  // without '?'
  // The Host field, or the authority of an absolute target, with the port if there is one.
  [[nodiscard]] virtual std::string_view host() const = 0;
  // The client's address: "127.0.0.1:4711", "[::1]:4711" or "unix". Behind a proxy that
  // ProxyOptions trusts, it is the address that the proxy reports, often without a port:
  // "192.0.2.1", "[2001:db8::1]".
  [[nodiscard]] virtual std::string_view remote() const = 0;
  // Returns the first field with that name, compared without case. Empty if there is none.
  [[nodiscard]] virtual std::string_view header(std::string_view name) const = 0;
  // Returns all fields with that name, in the order received.
  [[nodiscard]] virtual std::vector<std::string_view> headers(std::string_view name) const = 0;
  // Returns the part of the path that matched "{name}" or "{name...}" in the route's pattern,
  // percent-decoded as by decode_segment(). The value of "{name}" may contain slashes, which were
  // encoded. The value of "{name...}" contains the slashes between its segments. It never begins
  // with a slash and never has a segment "." or "..", encoded or not. Empty if the pattern has no
  // such segment.
  [[nodiscard]] virtual std::string_view param(std::string_view name) const = 0;
  // The subprotocols that the client offered, in its order.
  [[nodiscard]] virtual const std::vector<std::string_view>& subprotocols() const = 0;
  // The complete body, joined if it came in chunks. Empty if there is none.
  [[nodiscard]] virtual std::string_view body() const = 0;

  // Returns the value of the first cookie with that name (RFC 6265 §4.2), as received. A value in
  // double quotes keeps them. Names are compared with case. A cookie whose value has a space, a
  // comma, a backslash, a control byte or a byte above 0x7E breaks the grammar and is skipped.
  // std::nullopt if there is none. A client that has several cookies of one name sends the one with
  // the longest path first (§5.4).
  [[nodiscard]] std::optional<std::string_view> cookie(std::string_view name) const;
  // Returns the value of the first parameter with that name in query(), decoded as HTML forms
  // encode it (WHATWG URL §5.1): "+" is a space, a percent-encoded byte is that byte, and any other
  // "%" stays as it is. The value may have any bytes: see is_utf8(). A parameter without "=" has an
  // empty value. std::nullopt if there is none. The names in the query are decoded, too.
  // max_request_line_bytes limits the query. May throw std::bad_alloc.
  [[nodiscard]] std::optional<std::string> query_param(std::string_view name) const;
};

// Response header fields as pairs of name and value, sent in this order. The server writes
// Connection, Content-Length, Content-Type, Date, Keep-Alive, Transfer-Encoding, Upgrade and all
// fields whose names begin with Sec-WebSocket- itself. If an application adds one of them, or a
// field with an invalid name or value (RFC 9110 §5.1, §5.5), the client gets 500, and the error is
// logged.
using Headers = std::vector<std::pair<std::string, std::string>>;

// The result of an upgrade hook, or of an UpgradeResponder.
struct Upgrade {
  int status = 101;         // 101 accepts the handshake; 400 to 599 rejects it with that status
  std::string user;         // the user's name, for the application and the log
  std::string subprotocol;  // one that the client offered; empty: chosen from UpgradeOptions
  Headers headers;          // added to the response
  std::string body;         // of a rejection, text/plain; a missing final newline is added
  // The application's data, available to the handlers as Connection::data() from the open handler
  // on.
  std::unique_ptr<ConnectionData> data;
  // Called when the connection is open, before Handlers::open. It can capture results of this hook
  // that Handlers::open needs. If it closes the connection or throws an exception, Handlers::open
  // is not called.
  std::function<void(Connection&)> opened = {};

  // Accepts the handshake, with that user name.
  [[nodiscard]] static Upgrade accept(std::string user = {}) {
    Upgrade verdict;
    verdict.user = std::move(user);
    return verdict;
  }
  // Rejects the handshake with that status, 400 to 599. `body` is sent as text/plain. If it does
  // not end with a newline, one is added, as in the library's own error responses.
  [[nodiscard]] static Upgrade reject(int status, std::string body = {}) {
    Upgrade verdict;
    verdict.status = status;
    verdict.body = std::move(body);
    return verdict;
  }
};

// Accepts or rejects one opening handshake, later and from any thread. It is a value that may be
// copied and kept, but must not be used after its Server is destroyed. Only the first respond() of
// all copies counts. If the last copy is destroyed without a verdict, the client gets 500. If the
// handshake is not complete within handshake_timeout_ms, the client gets 503, and the connection
// ends with cause kHandshakeTimeout. The client also gets 503 when a drain begins to close
// connections. A verdict that comes after that, or after the client has disconnected, is discarded
// silently.
class UpgradeResponder {
 public:
  // Implemented by the library.
  class Exchange {
   public:
    Exchange() = default;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    virtual ~Exchange() = default;
    virtual void respond(Upgrade verdict) noexcept = 0;
    [[nodiscard]] virtual bool gone() const noexcept = 0;
  };

  // For the library only.
  explicit UpgradeResponder(std::shared_ptr<Exchange> exchange) noexcept
      : exchange_(std::move(exchange)) {}
  // Gives the verdict, unless one was given before. Does not wait. The rules for a verdict are
  // those for the result of Handlers::upgrade. Upgrade::data of a verdict that is discarded is
  // destroyed on this thread or on the connection's reactor. If memory runs out, the connection
  // ends. Throws nothing. Any thread.
  void respond(Upgrade verdict) const noexcept { exchange_->respond(std::move(verdict)); }
  // Returns true if a verdict has no effect any more: one was given, the client has disconnected,
  // the time is over, or the server has ended. So a long search can stop. Any thread.
  [[nodiscard]] bool gone() const noexcept { return exchange_->gone(); }

 private:
  std::shared_ptr<Exchange> exchange_;
};

// The response to a plain HTTP request. Its body is sent unchanged.
struct Response {
  int status = 200;  // 200 to 599; otherwise the client gets 500, and the error is logged
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  Headers headers;
};

// Responds to one request, later and from any thread. It is a value that may be copied and kept,
// but must not be used after its Server is destroyed. Only the first respond() of all copies
// counts. If the last copy is destroyed without a response, the client gets 500. If
// response_timeout_ms expires first, it gets 503. A response that comes after that, or after the
// client has disconnected, is discarded silently.
class Responder {
 public:
  // Implemented by the library.
  class Exchange {
   public:
    Exchange() = default;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    virtual ~Exchange() = default;
    virtual void respond(Response response) = 0;
  };

  // For the library only.
  explicit Responder(std::shared_ptr<Exchange> exchange) noexcept
      : exchange_(std::move(exchange)) {}
  // Sends the response, unless one was sent before. Does not wait. If memory runs out, the client
  // gets 500 or the connection ends. Throws nothing. Any thread.
  void respond(Response response) const { exchange_->respond(std::move(response)); }

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace wsd
