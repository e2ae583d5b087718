// Responses to plain HTTP requests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/application.h"
#include "protocol/handshake.h"
#include "protocol/http_request.h"
#include "wsd/http.h"

namespace wsd::server {

// The properties of a request that its response depends on. The request may be freed before it.
struct RequestTraits {
  explicit RequestTraits(const protocol::HttpRequest& request) noexcept;
  bool head_request;  // the body is left out (RFC 9110 §9.3.2)
  bool keep_alive;    // another request may follow: the client allows it, and no body is unread
  // Of a deferred response: its cross_origin_lines().
  std::string cross_origin = {};
};

// An error in the result of an application's handler.
struct ResponseError {
  bool of_status = false;  // of the status, not of a header field
  std::string text;        // a sentence for the log; empty if there is no error
};

// Builds a response from its parts. The caller has checked `content_type` and `extra`.
// `keep_alive_s`: seconds for which the server then keeps the idle connection, or 0 if the response
// is the connection's last.
[[nodiscard]] net::RequestResult write_response(const RequestTraits& request, int status,
                                                std::string_view body, std::uint32_t keep_alive_s,
                                                std::string_view content_type,
                                                const protocol::HeaderList& extra);

// Builds the response that a handler has returned. If its status or a header
// field is one that a handler must not return, builds a 500 response instead and sets `error`.
// `keep_alive_s`: as for write_response(), if the request allows another one.
[[nodiscard]] net::RequestResult build_response(const RequestTraits& request, Response response,
                                                std::uint32_t keep_alive_s, ResponseError& error);

// Returns the 500 response to a request whose handling failed.
[[nodiscard]] Response internal_error();

// Returns the error of the first header field that an application must not add, or an empty string:
// the name or the value is invalid, or the server writes that field itself. A second Content-Length
// or a Transfer-Encoding would let two readers disagree about where the response ends (RFC 9112
// §6.3).
[[nodiscard]] std::string headers_error(const Headers& headers);

}  // namespace wsd::server
