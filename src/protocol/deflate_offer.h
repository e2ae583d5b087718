// Negotiating permessage-deflate (RFC 7692 §5, §7.1): which offer is taken, and on what terms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/extension_list.h"

namespace wsd::protocol {

// The terms agreed on, as the four parameters of §7.1 state them.
struct DeflateParameters {
  bool server_no_context_takeover = true;
  bool client_no_context_takeover = true;
  std::uint8_t server_max_window_bits = 15;  // 9..15: what our compressor may use
  std::uint8_t client_max_window_bits = 15;  // 9..15: what the peer's may use
};

// What this server is willing to do.
struct DeflatePolicy {
  bool server_context_takeover = false;  // keep our compressor's window between messages
  bool client_context_takeover = false;  // let the peer keep its own
};

struct DeflateAgreement {
  DeflateParameters terms;
  std::string response;  // for Sec-WebSocket-Extensions
};

// Takes the first offer of permessage-deflate that is valid and can be met (§5: they are in order
// of preference). Unknown, doubled or malformed parameters decline that offer (§7.1), never the
// connection; other extensions are passed over. nullopt: nothing to agree on.
[[nodiscard]] std::optional<DeflateAgreement> negotiate_deflate(
    const std::vector<ExtensionOffer>& offers, const DeflatePolicy& policy);

}  // namespace wsd::protocol
