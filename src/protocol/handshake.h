// The opening handshake, server side (RFC 6455 §4.2): what a client asked, and the 101 answer.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/extension_list.h"
#include "protocol/http_request.h"
#include "protocol/violation.h"

namespace wsd::protocol {

// The client's request, judged. When `violation` is kNone the request may be answered with 101.
// Views live as long as those of the HttpRequest.
struct Handshake {
  Violation violation = Violation::kNone;
  std::string_view key;     // Sec-WebSocket-Key, 24 characters
  std::string_view origin;  // empty when absent; see has_origin
  bool has_origin = false;
  std::vector<std::string_view> subprotocols;  // offered, in the client's order, no duplicates
  std::vector<ExtensionOffer> extensions;      // likewise
};

// Judges a request for a WebSocket path, in this order: method (405 for a known method that is not
// GET, 501 for an unknown one), HTTP version (400 below 1.1), body (Content-Length above 0 or any
// Transfer-Encoding: 400), Upgrade and Connection tokens (426), version (426; two lines: 400), key
// (400), Origin lines (two: 400), subprotocols and extensions (400 when not the ABNF of §4.3,
// §9.1).
[[nodiscard]] Handshake check_handshake(const HttpRequest& request);

// The first of `supported` (the server's preference) that the client offered, compared
// case-sensitively (§4.2.2 /subprotocol/), as a view into `supported`; empty when there is none.
[[nodiscard]] std::string_view choose_subprotocol(const std::vector<std::string>& supported,
                                                  const Handshake& handshake) noexcept;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Appends the 101 response (§4.2.2) to `out`: Upgrade, Connection, Sec-WebSocket-Accept, the
// subprotocol when not empty, then `extra`. `key` must be valid, `subprotocol` a token or empty,
// `extra` as append_fields() wants it, and `extensions` what was agreed on (§9.1), or empty.
void write_switching_protocols(std::string& out, std::string_view key, std::string_view subprotocol,
                               const HeaderList& extra, std::string_view extensions = {});

// Appends each field as a line. Every one must pass is_valid_header(): anything else would let its
// author write a response of his own, and stops the process.
void append_fields(std::string& out, const HeaderList& fields);

// Whether `name` is a token and `value` free of control bytes: fit to be written into a response.
[[nodiscard]] bool is_valid_header(std::string_view name, std::string_view value) noexcept;

// Whether `list`, a comma-separated field value (RFC 9110 §5.6.1), has `token`, compared without
// case. Empty elements are skipped.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token) noexcept;

}  // namespace wsd::protocol
