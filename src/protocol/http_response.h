// Writes HTTP/1.1 responses other than 101.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/handshake.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct HttpResponseHead {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  bool keep_alive = true;  // otherwise "Connection: close" is written
  // Seconds for which the server keeps the idle connection. Written as "Keep-Alive: timeout=N" with
  // "Connection: keep-alive" if `keep_alive` is true. 0: neither is written.
  std::uint32_t keep_alive_s = 0;
  bool head_request = false;   // no body is written; Content-Length is that of the body
  std::string_view date = {};  // for the Date field (RFC 9110 §6.6.1), see http_date(); empty: none
};

// Appends the whole response to `out`: status line, Content-Length, Content-Type (if there is a
// body), Connection and Keep-Alive, Date, `extra` as append_fields() requires, and the
// body. 1xx, 204 and 304 have neither body nor Content-Length (RFC 9112 §6.3, RFC 9110 §8.6).
void write_response(std::string& out, const HttpResponseHead& head, std::string_view body,
                    const HeaderList& extra = {});

// Appends the response to a violation, always with Connection: close. It has the violation's
// status, the fields that the status requires, and error_body() of its text. The fields are Upgrade
// for 426, Allow for 405, and Sec-WebSocket-Version if the version may be wrong (RFC 6455 §4.4).
// The Connection field of a 426 is "Upgrade, close" (RFC 9110 §7.8).
void write_violation(std::string& out, Violation violation, std::string_view allow = "GET",
                     bool head_request = false, std::string_view date = {});

// Returns the body of an error response: `text`, with a final newline if it has none. An empty text
// stays empty.
[[nodiscard]] std::string error_body(std::string_view text);

// Returns the reason phrase of RFC 9110 §15 or RFC 6585, or "Unknown" for other statuses.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace wsd::protocol
