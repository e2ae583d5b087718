// HTTP/1.1 responses other than 101.
#pragma once

#include <string>
#include <string_view>

#include "protocol/handshake.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct HttpResponseHead {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  bool keep_alive = true;      // else "Connection: close" is written
  bool head_request = false;   // Content-Length is that of the body, the body is left out
  std::string_view date = {};  // Date field (RFC 9110 §6.6.1), see http_date(); empty: none
};

// Appends the whole response to `out`: status line, Content-Length, Content-Type (when there is a
// body), Connection: close when not kept alive, `extra` as append_fields() wants it, and the body.
// 1xx, 204 and 304 have neither body nor Content-Length (RFC 9112 §6.3, RFC 9110 §8.6).
void write_response(std::string& out, const HttpResponseHead& head, std::string_view body,
                    const HeaderList& extra = {});

// Appends the answer to a violation, always with Connection: close: its status, the fields that the
// status requires (426: Upgrade; 405: Allow; Sec-WebSocket-Version wherever the version may be what
// is wrong, RFC 6455 §4.4), and error_body() of its text. The Connection field of a 426 is
// "Upgrade, close" (RFC 9110 §7.8).
void write_violation(std::string& out, Violation violation, std::string_view allow = "GET",
                     bool head_request = false, std::string_view date = {});

// The body of an error response: `text` with a newline at its end, added only if it is missing. An
// empty text stays empty.
[[nodiscard]] std::string error_body(std::string_view text);

// The reason phrase of RFC 9110 §15, RFC 6585; "Unknown" for others.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace wsd::protocol
