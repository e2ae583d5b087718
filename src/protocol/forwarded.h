// Whom proxies name as their client: X-Forwarded-For, and Forwarded (RFC 7239).
//
// Each proxy adds the address it was connected from at the right end, so the list is read from
// there: what stands left of a proxy that is not ours, anyone may have written. Hops that are
// trusted are skipped, and the first that is not is the client.
//
// Whatever cannot be read ends the reading: an empty element, a name, "unknown" and other
// obfuscated identifiers (RFC 7239 §6.3), a bad port, a broken quoted string. The client is then
// the last good hop, a proxy of ours, and whoever is on the other side of it counts as that proxy.
// The same is true where more than kMostHops were skipped, or all of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "protocol/http_request.h"
#include "protocol/trusted_proxies.h"
#include "wsd/options.h"

namespace wsd::protocol {

inline constexpr std::size_t kMostHops = 32;

// Of a request whose peer is trusted. Nothing: the peer itself is all that is known. Several lines
// of the field are one list, in their order (RFC 9110 §5.3); other fields are not looked at. A port
// is the client's where the hop has one that is a number.
[[nodiscard]] std::optional<IpEndpoint> forwarded_client(const std::vector<HttpField>& fields,
                                                         ForwardedField field,
                                                         const TrustedProxies& trusted);

// One element of either field; nothing where it names no address.
[[nodiscard]] std::optional<IpEndpoint> read_hop(std::string_view element, ForwardedField field);

}  // namespace wsd::protocol
