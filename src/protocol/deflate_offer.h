// Negotiates permessage-deflate (RFC 7692 §5, §7.1): selects an offer and its parameters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/extension_list.h"

namespace wsd::protocol {

// The agreed parameters, the four of §7.1.
struct DeflateParameters {
  bool server_no_context_takeover = true;
  bool client_no_context_takeover = true;
  std::uint8_t server_max_window_bits = 15;  // 9..15: the window limit of our compressor
  std::uint8_t client_max_window_bits = 15;  // 9..15: the window limit of the peer's
};

// The server's settings for the negotiation.
struct DeflatePolicy {
  bool server_context_takeover = false;  // keep our compressor's window between messages
  bool client_context_takeover = false;  // let the peer keep its window
};

struct DeflateAgreement {
  DeflateParameters terms;
  std::string response;  // for Sec-WebSocket-Extensions
};

// Returns the value of a max_window_bits parameter: a decimal integer from 8 to 15 without leading
// zeroes (§7.1.2.1). Returns std::nullopt for any other text.
[[nodiscard]] std::optional<std::uint8_t> read_window_bits(std::string_view text) noexcept;

// Accepts the first offer of permessage-deflate that is valid and acceptable (§5: offers are in
// order of preference). An offer with unknown, repeated or malformed parameters is declined (§7.1),
// but never ends the connection. Other extensions are ignored. Returns std::nullopt if no offer is
// accepted.
[[nodiscard]] std::optional<DeflateAgreement> negotiate_deflate(
    const std::vector<ExtensionOffer>& offers, const DeflatePolicy& policy);

}  // namespace wsd::protocol
