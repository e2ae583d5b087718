// Answers to plain HTTP requests.
#pragma once

#include <string>
#include <string_view>

#include "net/application.h"
#include "protocol/handshake.h"
#include "protocol/http_request.h"
#include "wsd/http.h"

namespace wsd::server {

// What an answer has to know of its request, which may be gone by then.
struct RequestTraits {
  explicit RequestTraits(const protocol::HttpRequest& request) noexcept;
  bool head_request;  // the body is left out (RFC 9110 §9.3.2)
  bool keep_alive;    // another request may follow: the client lets it, and no body was left unread
  bool old_keep_alive;  // HTTP/1.0: it has to be said that the connection is kept (RFC 9112 §C.2.2)
};

[[nodiscard]] net::RequestResult write_response(const RequestTraits& request, int status,
                                                std::string_view body, bool keep_alive,
                                                std::string_view content_type,
                                                const protocol::HeaderList& extra);

// A handler's response. One with a field that may not be written becomes a 500, and `bad_field` its
// name. `last`: the connection ends with it in any case.
[[nodiscard]] net::RequestResult build_response(const RequestTraits& request, Response response,
                                                bool last, std::string& bad_field);

// What a client is told of a fault on this side.
[[nodiscard]] Response internal_error();

// The first of an application's fields that may not be written; nullptr when all may.
[[nodiscard]] const std::string* bad_header(const Headers& headers);

}  // namespace wsd::server
