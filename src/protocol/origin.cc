#include "protocol/origin.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/authority.h"
#include "protocol/http_request.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view kAny = "*";

// RFC 6454 §4: the three parts that are compared.
struct Origin {
  std::string_view scheme;
  std::string_view host;
  std::uint16_t port;  // 0 if there is none and the scheme implies none
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

// RFC 6454 §6.2, the only form that browsers send: no path, no empty port, no leading zero.
std::optional<Origin> parse_origin(std::string_view text) noexcept {
  const std::size_t separator = text.find("://");
  if (separator == std::string_view::npos) return {};
  const std::string_view scheme = text.substr(0, separator);
  const auto authority = parse_authority(text.substr(separator + 3));
  if (!is_scheme(scheme) || !authority) return {};
  if (text.ends_with(':') || authority->port.starts_with('0')) return {};
  return Origin{scheme, authority->host, authority->port_or(implied_port(scheme))};
}

// Behind a proxy that ends TLS, the scheme that the client used is unknown. A Host without a port
// is therefore assumed to have the port of the origin's scheme.
bool is_same_origin(const Origin& origin, std::string_view host) noexcept {
  const std::uint16_t implied = implied_port(origin.scheme);
  if (implied == 0) return false;  // only http and https reach this server
  const auto authority = parse_authority(host);
  return authority && equals_ignore_case(origin.host, authority->host) &&
         origin.port == authority->port_or(implied);
}

constexpr std::string_view kSubdomains = "*.";

// Returns whether a browser would take the host for an IPv4 address (WHATWG URL §3.5).
bool ends_in_number(std::string_view host) noexcept {
  const std::string_view label = host.substr(host.rfind('.') + 1);
  return std::all_of(label.begin(), label.end(), [](char c) { return is_digit(c); });
}

// Parses an origin whose host may begin with "*.", which stands for one or more labels.
std::optional<Origin> parse_pattern(std::string_view text) noexcept {
  auto pattern = parse_origin(text);
  if (!pattern) return {};
  std::string_view host = pattern->host;
  if (host.starts_with(kSubdomains)) {
    host.remove_prefix(kSubdomains.size());
    // An address has no subdomains. "*.com" is too wide, but "*.localhost" and "*.internal" are in
    // use, so single labels are allowed.
    if (host.empty() || host.starts_with('.') || ends_in_number(host)) return {};
  }
  if (host.find('*') != std::string_view::npos) return {};
  return pattern;
}

// Returns whether `host` has one or more whole labels before ".rest".
bool is_subdomain(std::string_view host, std::string_view rest) noexcept {
  if (host.size() < rest.size() + kSubdomains.size()) return false;
  const std::size_t labels = host.size() - rest.size() - 1;
  if (host[labels] != '.' || !equals_ignore_case(host.substr(labels + 1), rest)) return false;
  // No label may be empty: neither ".example.com" nor "a..example.com" matches.
  for (std::size_t i = 0; i < labels; ++i) {
    if (host[i] == '.' && (i == 0 || host[i - 1] == '.')) return false;
  }
  return host[labels - 1] != '.';
}

bool matches(const Origin& origin, const Origin& pattern) noexcept {
  if (origin.scheme != pattern.scheme || origin.port != pattern.port) return false;
  if (!pattern.host.starts_with(kSubdomains)) {
    return equals_ignore_case(origin.host, pattern.host);  // RFC 6454 §5
  }
  return is_subdomain(origin.host, pattern.host.substr(kSubdomains.size()));
}

// Appends `text` in quotes for people to read. Bytes that are not printable ASCII become \xNN.
void append_quoted(std::string& out, std::string_view text) {
  constexpr std::size_t kMostBytes = 128;
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '\'';
  for (const char c : text.substr(0, kMostBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7E || c == '\'' || c == '\\') {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  out += text.size() > kMostBytes ? "...'" : "'";
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
    const auto pattern = parse_pattern(entry);
    if (pattern && matches(*given, *pattern)) return true;
  }
  return false;
}

std::string origin_rules(const std::vector<std::string>& allowed) {
  constexpr std::size_t kMostNamed = 8;
  std::string text = "the same host";
  for (std::size_t i = 0; i < allowed.size() && i < kMostNamed; ++i) {
    text += ", ";
    append_quoted(text, allowed[i]);
  }
  if (allowed.size() > kMostNamed) {
    text += " and " + std::to_string(allowed.size() - kMostNamed) + " more";
  }
  return text;
}

std::string origin_refusal(std::string_view origin, std::string_view host,
                           const std::vector<std::string>& allowed) {
  std::string text = "origin ";
  append_quoted(text, origin);
  text += " may not connect to host ";
  append_quoted(text, host);
  return text + "; allowed origins: " + origin_rules(allowed);
}

bool is_origin_pattern(std::string_view text) noexcept {
  return text == kAny || parse_pattern(text).has_value();
}

}  // namespace wsd::protocol
