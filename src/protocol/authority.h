// uri-host [ ":" port ] (RFC 9110 §7.2, RFC 3986 §3.2.2, §3.2.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wsd::protocol {

// A host and its port, as views into the parsed text.
struct Authority {
  std::string_view host;  // never empty; includes the brackets of an IPv6 literal
  std::string_view port;  // 1 to 5 digits, at most 65535; empty if there is none

  // Returns the port's number, or `implied` if there is no port.
  [[nodiscard]] std::uint16_t port_or(std::uint16_t implied) const noexcept;
};

// Parses an authority without userinfo. Returns std::nullopt for any other text, or if the host is
// empty. It is stricter than RFC 3986: no comma in a registered name, no IPvFuture, no port above
// 65535.
[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text) noexcept;

}  // namespace wsd::protocol
