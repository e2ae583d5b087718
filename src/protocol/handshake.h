// The opening handshake of a server (RFC 6455 §4.2): checks the client's request and writes the 101
// response.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/extension_list.h"
#include "protocol/http_request.h"
#include "protocol/violation.h"

namespace wsd::protocol {

// The client's request after the checks. If `violation` is kNone, the server may respond with 101.
// The views are valid as long as those of the HttpRequest.
struct Handshake {
  Violation violation = Violation::kNone;
  std::string_view key;     // Sec-WebSocket-Key, 24 characters
  std::string_view origin;  // empty if absent; see has_origin
  bool has_origin = false;
  std::vector<std::string_view> subprotocols;  // as offered, in the client's order, no duplicates
  std::vector<ExtensionOffer> extensions;      // as offered, in the client's order
};

// Checks a request for a WebSocket path, in this order:
// - method: 405 for a known method that is not GET, 501 for an unknown one
// - HTTP version: 400 below 1.1
// - body: 400 for a Content-Length above 0 or any Transfer-Encoding
// - Upgrade and Connection tokens: 426
// - version: 426, or 400 for two lines
// - key: 400
// - Origin: 400 for two lines
// - subprotocols and extensions: 400 if they do not match the ABNF of §4.3, §9.1; a field without
//   any element offers nothing
[[nodiscard]] Handshake check_handshake(const HttpRequest& request);

// Returns the first of `supported`, in the server's order of preference, that the client offered.
// Names are compared case-sensitively (§4.2.2 /subprotocol/). The result is a view into
// `supported`, empty if there is no match.
[[nodiscard]] std::string_view choose_subprotocol(const std::vector<std::string>& supported,
                                                  const Handshake& handshake) noexcept;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Appends the 101 response (§4.2.2) to `out`: Upgrade, Connection, Sec-WebSocket-Accept, the
// subprotocol if not empty, then `extra`. `key` must be valid, `subprotocol` a token or empty, and
// `extra` as append_fields() requires. `extensions` is the agreed value (§9.1), or empty.
void write_switching_protocols(std::string& out, std::string_view key, std::string_view subprotocol,
                               const HeaderList& extra, std::string_view extensions = {});

// Appends each field as a line. Every field must pass is_valid_header(), or the process stops: any
// other field could contain a complete response of its author's choice.
void append_fields(std::string& out, const HeaderList& fields);

// Returns whether a field may be written into a response: `name` is a token, and `value` has no
// control bytes.
[[nodiscard]] bool is_valid_header(std::string_view name, std::string_view value) noexcept;

// Returns whether the request offers to change to the WebSocket protocol. Other protocols of its
// Upgrade field, such as h2c, are ignored (RFC 9110 §7.8).
[[nodiscard]] bool offers_websocket(const HttpRequest& request) noexcept;

// Returns whether `list`, a comma-separated field value (RFC 9110 §5.6.1), contains `token`,
// compared without case. Empty elements are skipped.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token) noexcept;

}  // namespace wsd::protocol
