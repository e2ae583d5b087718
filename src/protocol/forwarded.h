// Finds the client that proxies report: X-Forwarded-For, and Forwarded (RFC 7239).
//
// Each proxy adds the address of its peer at the right end, so the list is read from there. Trusted
// hops are skipped, and the first other hop is the client. Anyone may have written the text left of
// it.
//
// Reading stops at an element that is not an address: an empty element, a name, "unknown" and other
// obfuscated identifiers (RFC 7239 §6.3), a bad port, or a broken quoted string. The client is then
// the last good hop, which is a trusted proxy. The same applies if all hops are trusted, or more
// than kMostHops.
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

// Returns the client of a request whose peer is trusted, or std::nullopt if only the peer is known.
// Several lines of the field form one list, in order (RFC 9110 §5.3); other fields are ignored. The
// port is the client's if the hop has a numeric one.
[[nodiscard]] std::optional<IpEndpoint> forwarded_client(const std::vector<HttpField>& fields,
                                                         ForwardedField field,
                                                         const TrustedProxies& trusted);

// Parses one element of either field. Returns std::nullopt if it is not an address.
[[nodiscard]] std::optional<IpEndpoint> read_hop(std::string_view element, ForwardedField field);

}  // namespace wsd::protocol
