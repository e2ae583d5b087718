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
  bool keep_alive = true;   // else "Connection: close" is written
  bool head_request = false;  // Content-Length is that of the body, the body is left out
};

// Appends the whole response to `out`: status line, Content-Length, Content-Type (when there is a
// body), Connection: close when not kept alive, `extra`, and the body.
void write_response(std::string& out, const HttpResponseHead& head, std::string_view body,
                    const HeaderList& extra = {});

// Appends the answer to a violation, always with Connection: close: its status, the fields that the
// status requires (426: Upgrade and Sec-WebSocket-Version; 405: Allow; 408 and the rest none more),
// and its text as the body. The Connection field of a 426 is "Upgrade, close" (RFC 9110 §7.8).
void write_violation(std::string& out, Violation violation, std::string_view allow = "GET",
                     bool head_request = false);

// The reason phrase of RFC 9110 §15, RFC 6585; "Unknown" for others.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace wsd::protocol
