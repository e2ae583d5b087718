// What a handler sees of an HTTP request, and what it answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wsd/connection.h"

namespace wsd {

// Nchan's subprotocol. A connection that speaks it gets each message of a room behind its place:
// "id: EPOCH:SEQ\n", an empty line, then the payload, in one message of the same type. A gap (see
// Connection::join) is told by an empty message whose meta has the line "content-type: " and
// kGapContentType too. send() is not changed by it; and permessage-deflate is not spoken with it.
inline constexpr std::string_view kNchanSubprotocol = "ws+meta.nchan";
// The content type of what tells a gap.
inline constexpr std::string_view kGapContentType = "application/vnd.wsd.gap";

// A request, as views that are valid until the handler returns. Implemented by the library.
class Request {
 public:
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  virtual ~Request() = default;

  // "GET", and so on, as received.
  [[nodiscard]] virtual std::string_view method() const = 0;
  [[nodiscard]] virtual std::string_view path() const = 0;   // as received, not percent-decoded
  [[nodiscard]] virtual std::string_view query() const = 0;  // without '?'
  // The Host field, or the authority of an absolute target, with its port if any.
  [[nodiscard]] virtual std::string_view host() const = 0;
  // Who asks: "127.0.0.1:4711", "[::1]:4711" or "unix". Behind a proxy that ProxyOptions trusts it
  // is whom the proxy names, often without a port: "192.0.2.1", "[2001:db8::1]".
  [[nodiscard]] virtual std::string_view remote() const = 0;
  // The first field of that name, compared without case; empty when absent.
  [[nodiscard]] virtual std::string_view header(std::string_view name) const = 0;
  // All fields of that name, in their order.
  [[nodiscard]] virtual std::vector<std::string_view> headers(std::string_view name) const = 0;
  // What a "{name}" segment of the route's pattern matched, percent-decoded; empty when the pattern
  // has no such segment.
  [[nodiscard]] virtual std::string_view param(std::string_view name) const = 0;
  // Subprotocols the client offered, in its order.
  [[nodiscard]] virtual const std::vector<std::string_view>& subprotocols() const = 0;
  // The whole body; empty when there is none.
  [[nodiscard]] virtual std::string_view body() const = 0;
};

// Fields of an answer, name and value, in their order.
using Headers = std::vector<std::pair<std::string, std::string>>;

// An upgrade hook's verdict.
struct Upgrade {
  int status = 101;         // 101 accepts; 400..599 rejects with that status
  std::string user;         // who this is, for the application and the log
  std::string subprotocol;  // must be one the client offered; empty: chosen from UpgradeOptions
  Headers headers;          // added to the answer
  std::string body;         // of a rejection, text/plain
  // What the hook has found out, for the handlers: Connection::data() from the open handler on.
  std::unique_ptr<ConnectionData> data;
  // Called once the connection is open, before Handlers::open: for what this hook knows and that
  // handler does not. Where it closes the connection, or throws, Handlers::open is not called.
  std::function<void(Connection&)> opened = {};

  // Accepts, as that user.
  [[nodiscard]] static Upgrade accept(std::string user = {}) {
    Upgrade verdict;
    verdict.user = std::move(user);
    return verdict;
  }
  // Rejects with that status, 400 to 599.
  [[nodiscard]] static Upgrade reject(int status, std::string body = {}) {
    Upgrade verdict;
    verdict.status = status;
    verdict.body = std::move(body);
    return verdict;
  }
};

// The answer to a plain HTTP request.
struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  Headers headers;
};

// Answers one request, later and from any thread: a value to copy and to keep, but not for longer
// than its Server lives. The first respond() of all copies counts. When the last copy goes without
// one the answer is 500. A client that has waited for response_timeout_ms is answered 503, and one
// that is gone is not found; both go unnoticed here.
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

  // The library's.
  explicit Responder(std::shared_ptr<Exchange> exchange) noexcept
      : exchange_(std::move(exchange)) {}
  // Any thread; see above.
  void respond(Response response) const { exchange_->respond(std::move(response)); }

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace wsd
