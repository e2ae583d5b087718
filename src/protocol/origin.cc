#include "protocol/origin.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/authority.h"
#include "protocol/host.h"
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

// RFC 6454 §7.1: the origin of a sandboxed frame, among others.
constexpr std::string_view kNull = "null";
// Some browsers send this for local files (RFC 6454 §4 item 4 lets them choose).
constexpr std::string_view kFile = "file://";

// Returns whether `text` is an origin without a host, which only an equal entry allows.
bool is_hostless(std::string_view text) noexcept { return text == kNull || text == kFile; }

// Parses an origin whose host may begin with "*.", which stands for one or more labels.
std::optional<Origin> parse_pattern(std::string_view text) noexcept {
  auto pattern = parse_origin(text);
  if (!pattern || !is_listable_host(pattern->host)) return {};
  return pattern;
}

bool matches(const Origin& origin, const Origin& pattern) noexcept {
  return origin.scheme == pattern.scheme && origin.port == pattern.port &&
         host_matches(origin.host, pattern.host);  // RFC 6454 §5
}

}  // namespace

bool origin_listed(std::string_view origin, const std::vector<std::string>& allowed) noexcept {
  const auto given = parse_origin(origin);
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
    if (entry == kAny || (is_hostless(entry) && entry == origin)) return true;
    const auto pattern = given ? parse_pattern(entry) : std::nullopt;
    return pattern && matches(*given, *pattern);
  });
}

bool origin_allowed(std::string_view origin, std::string_view host,
                    const std::vector<std::string>& allowed) noexcept {
  if (origin_listed(origin, allowed)) return true;
  const auto given = parse_origin(origin);
  return given && is_same_origin(*given, host);
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
  return text == kAny || is_hostless(text) || parse_pattern(text).has_value();
}

}  // namespace wsd::protocol
