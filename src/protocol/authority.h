// uri-host [ ":" port ] (RFC 9110 §7.2, RFC 3986 §3.2.2, §3.2.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wsd::protocol {

// Views into the parsed text.
struct Authority {
  std::string_view host;  // with the brackets of an IPv6 literal; never empty
  std::string_view port;  // 1 to 5 digits, at most 65535; empty when there is none

  // `implied` when there is no port.
  [[nodiscard]] std::uint16_t port_or(std::uint16_t implied) const noexcept;
};

// Nothing when `text` is not an authority without userinfo and with a host. Stricter than RFC 3986
// in three ways: no comma in a registered name, no IPvFuture, no port above 65535.
[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text) noexcept;

}  // namespace wsd::protocol
