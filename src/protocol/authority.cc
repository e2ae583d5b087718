#include "protocol/authority.h"

#include <cstddef>

#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::size_t kMaxPortDigits = 5;
constexpr std::uint32_t kMaxPort = 65535;

std::uint32_t decimal(std::string_view digits) noexcept {
  std::uint32_t value = 0;
  for (const char c : digits) value = value * 10 + static_cast<std::uint32_t>(c - '0');
  return value;
}

// RFC 3986 §3.2.3 port, which may be empty.
bool is_port(std::string_view text) noexcept {
  if (text.size() > kMaxPortDigits) return false;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value <= kMaxPort;
}

// RFC 3986 §3.2.2 IPv4address: four dec-octets without leading zeros.
bool is_ipv4(std::string_view text) noexcept {
  for (int octets = 1;; ++octets) {
    const std::size_t dot = text.find('.');
    const std::string_view octet = text.substr(0, dot);
    if (octet.empty() || octet.size() > 3 || (octet.size() > 1 && octet[0] == '0')) return false;
    for (const char c : octet) {
      if (!is_digit(c)) return false;
    }
    if (decimal(octet) > 255) return false;
    if (dot == std::string_view::npos) return octets == 4;
    if (octets == 4) return false;
    text.remove_prefix(dot + 1);
  }
}

// RFC 3986 §3.2.2 IPv6address.
bool is_ipv6(std::string_view text) noexcept {
  constexpr int kGroups = 8;
  int groups = 0;
  bool elided = false;
  if (text.starts_with("::")) {
    elided = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && is_ipv4(group)) {
      groups += 2;  // ls32: an IPv4address stands for the last two groups
    } else {
      if (group.empty() || group.size() > 4) return false;
      for (const char c : group) {
        if (!is_hex_digit(c)) return false;
      }
      ++groups;
    }
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.starts_with(':')) {
      if (elided) return false;
      elided = true;
      text.remove_prefix(1);
      if (text.empty()) break;
    }
  }
  return elided ? groups < kGroups : groups == kGroups;
}

// RFC 3986 §3.2.2 reg-name, which includes an IPv4address. A comma would be legal, but is rejected:
// it appears when an intermediary joins two Host lines (RFC 9110 §5.3). NUL ends names in C.
bool is_reg_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (has_class(text[i], syntax::kRegName)) continue;
    if (text[i] != '%' || percent_decoded(text.substr(i)) <= 0) return false;
    i += 2;
  }
  return !text.empty();  // RFC 9110 §4.2.1: an http URI with an empty host is invalid
}

}  // namespace

std::uint16_t Authority::port_or(std::uint16_t implied) const noexcept {
  return port.empty() ? implied : static_cast<std::uint16_t>(decimal(port));
}

std::optional<Authority> parse_authority(std::string_view text) noexcept {
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos || !is_ipv6(text.substr(1, bracket - 1))) return {};
    host_end = bracket + 1;
  } else {
    host_end = text.find(':');
    if (host_end == std::string_view::npos) host_end = text.size();
    if (!is_reg_name(text.substr(0, host_end))) return {};
  }
  Authority authority{.host = text.substr(0, host_end), .port = {}};
  if (host_end < text.size()) {
    if (text[host_end] != ':') return {};
    authority.port = text.substr(host_end + 1);
    if (!is_port(authority.port)) return {};
  }
  return authority;
}

}  // namespace wsd::protocol
