// Negotiates permessage-deflate for a client (RFC 7692 §7.1): the offer, and the check of the
// server's response.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/deflate_offer.h"
#include "protocol/extension_list.h"

namespace wsd::protocol {

// Returns the offer for Sec-WebSocket-Extensions. With `context_takeover`, both sides may keep
// their windows between messages. Without it, the offer asks the server not to (§7.1.1.1), and
// says that the client will not (§7.1.1.2).
[[nodiscard]] std::string_view deflate_offer(bool context_takeover) noexcept;

// Returns the parameters that the server has chosen for that offer, from this end's point of view:
// the fields that begin with "server" are those of this end's compressor, which is the client's.
// Returns std::nullopt if the response is not a valid one to the offer (§7.1), so that the client
// must fail the connection, or if it asks for a window that zlib cannot write.
[[nodiscard]] std::optional<DeflateParameters> accept_deflate_response(
    const ExtensionOffer& response, bool context_takeover);

}  // namespace wsd::protocol
