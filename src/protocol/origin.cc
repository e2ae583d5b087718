#include "protocol/origin.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/authority.h"
#include "protocol/http_request.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view kAny = "*";

// RFC 6454 §4: the triple that is compared.
struct Origin {
  std::string_view scheme;
  std::string_view host;
  std::uint16_t port;  // 0 when there is none and the scheme implies none
};

std::uint16_t implied_port(std::string_view scheme) noexcept {
  if (scheme == "http") return 80;
  if (scheme == "https") return 443;
  return 0;
}

// RFC 3986 §3.1.
bool is_scheme(std::string_view text) noexcept {
  if (text.empty() || !is_alpha(text[0])) return false;
  for (const char c : text) {
    if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return false;
  }
  return true;
}

// RFC 6454 §6.2, the one form in which a browser sends an origin: no path, no empty port, no
// leading zero.
std::optional<Origin> parse_origin(std::string_view text) noexcept {
  const std::size_t separator = text.find("://");
  if (separator == std::string_view::npos) return {};
  const std::string_view scheme = text.substr(0, separator);
  const auto authority = parse_authority(text.substr(separator + 3));
  if (!is_scheme(scheme) || !authority) return {};
  if (text.ends_with(':') || authority->port.starts_with('0')) return {};
  return Origin{scheme, authority->host, authority->port_or(implied_port(scheme))};
}

// The scheme under which the client reached us is unknown behind a proxy that ends TLS, so a Host
// without a port is taken to have the origin's.
bool is_same_origin(const Origin& origin, std::string_view host) noexcept {
  const std::uint16_t implied = implied_port(origin.scheme);
  if (implied == 0) return false;  // we are reached by http and https alone
  const auto authority = parse_authority(host);
  return authority && equals_ignore_case(origin.host, authority->host) &&
         origin.port == authority->port_or(implied);
}

// RFC 6454 §5.
bool equal(const Origin& a, const Origin& b) noexcept {
  return a.scheme == b.scheme && equals_ignore_case(a.host, b.host) && a.port == b.port;
}

}  // namespace

bool origin_allowed(std::string_view origin, std::string_view host,
                    const std::vector<std::string>& allowed) noexcept {
  for (const std::string& entry : allowed) {
    if (entry == kAny) return true;
  }
  const auto given = parse_origin(origin);
  if (!given) return false;
  if (is_same_origin(*given, host)) return true;
  for (const std::string& entry : allowed) {
    const auto pattern = parse_origin(entry);
    if (pattern && equal(*given, *pattern)) return true;
  }
  return false;
}

bool is_origin_pattern(std::string_view text) noexcept {
  if (text == kAny) return true;
  // A host may hold '*', but who writes "https://*.example" means something else by it.
  return text.find('*') == std::string_view::npos && parse_origin(text).has_value();
}

}  // namespace wsd::protocol
