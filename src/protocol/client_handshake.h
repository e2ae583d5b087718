// The opening handshake of a client (RFC 6455 §4.1): writes the request and checks the server's
// response.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/deflate_offer.h"
#include "protocol/handshake.h"
#include "protocol/http_response_reader.h"
#include "protocol/violation.h"

namespace wsd::protocol {

// The offer of a client. The check of the response compares with it.
struct ClientOffer {
  std::string key;  // Sec-WebSocket-Key: see fresh_key()
  std::vector<std::string> subprotocols;
  bool deflate = false;           // permessage-deflate
  bool context_takeover = false;  // see deflate_offer()
};

// Returns a key of random bytes of the system's entropy source (§4.1 (7)).
[[nodiscard]] std::string fresh_key();

// Appends the request to `out`: the fields that §4.1 requires, Origin if it is not empty, the
// offer, then `extra`. `host` is the value of the Host field, `target` begins with '/' and has no
// blanks, `offer` has a valid key and tokens, and the rest must be as append_fields() requires.
void write_client_request(std::string& out, std::string_view host, std::string_view target,
                          const ClientOffer& offer, std::string_view origin,
                          const HeaderList& extra);

// Returns whether an application may add a field of that name to the request. It may not set those
// of the handshake and of the message's length.
[[nodiscard]] bool is_free_request_field(std::string_view name) noexcept;

// The choices of a 101 response. The view is valid as long as the response.
struct ClientAgreement {
  Violation violation = Violation::kNone;    // other than kNone: the connection must fail
  std::string_view subprotocol;              // empty: none
  std::optional<DeflateParameters> deflate;  // see accept_deflate_response()
};

// Checks a response with status 101, as §4.1 requires:
// - kNotSwitched: HTTP/1.0, no "Upgrade: websocket" or no "Connection: Upgrade" ((2), (3))
// - kBadAccept: Sec-WebSocket-Accept is missing, is given twice, or does not fit the key ((4))
// - kExtensionNotOffered: an extension that was not offered, or two answers to one offer ((5))
// - kBadExtensions, kBadDeflateResponse: malformed extensions or parameters (§9.1, RFC 7692 §7.1)
// - kSubprotocolNotOffered: more than one subprotocol, or one that was not offered ((6))
[[nodiscard]] ClientAgreement check_response(const HttpResponse& response,
                                             const ClientOffer& offer);

}  // namespace wsd::protocol
