// What a handler sees of an HTTP request, and what it answers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wsd/connection.h"

namespace wsd {

// A request, as views that are valid until the handler returns. Implemented by the library.
class Request {
 public:
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  virtual ~Request() = default;

  [[nodiscard]] virtual std::string_view method() const = 0;
  [[nodiscard]] virtual std::string_view path() const = 0;   // as received, not percent-decoded
  [[nodiscard]] virtual std::string_view query() const = 0;  // without '?'
  [[nodiscard]] virtual std::string_view host() const = 0;
  [[nodiscard]] virtual std::string_view remote()
      const = 0;  // "127.0.0.1:4711", "[::1]:4711", "unix"
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

  [[nodiscard]] static Upgrade accept(std::string user = {}) {
    Upgrade verdict;
    verdict.user = std::move(user);
    return verdict;
  }
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

}  // namespace wsd
