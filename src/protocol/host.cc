#include "protocol/host.h"

#include <algorithm>
#include <cstddef>

#include "base/ip_address.h"
#include "protocol/authority.h"
#include "protocol/http_request.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view kAny = "*";
constexpr std::string_view kSubdomains = "*.";
constexpr std::string_view kLocalhost = "localhost";

// Returns whether a browser would take the host for an IPv4 address (WHATWG URL §3.5).
bool ends_in_number(std::string_view host) noexcept {
  const std::string_view label = host.substr(host.rfind('.') + 1);
  return std::all_of(label.begin(), label.end(), [](char c) { return is_digit(c); });
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

// `host` is the host of an authority.
bool is_loopback_address(std::string_view host) noexcept {
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (!bracketed && (host.empty() || !is_digit(host.front()))) return false;  // a name
  const auto address = IpAddress::parse(bracketed ? host.substr(1, host.size() - 2) : host);
  if (!address) return false;
  const auto& bytes = address->bytes();
  constexpr std::size_t kFirstOfV4 = 12;
  if (address->is_v4()) return bytes[kFirstOfV4] == 127;
  return std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; }) &&
         bytes.back() == 1;
}

// `host` is the host of an authority.
bool is_loopback(std::string_view host) noexcept {
  if (is_loopback_address(host)) return true;
  if (host.ends_with('.')) host.remove_suffix(1);  // the same name, fully qualified
  return equals_ignore_case(host, kLocalhost) || is_subdomain(host, kLocalhost);
}

}  // namespace

bool is_loopback_host(std::string_view host) noexcept {
  const auto authority = parse_authority(host);
  return authority && is_loopback(authority->host);
}

bool host_allowed(std::string_view host, const std::vector<std::string>& allowed) noexcept {
  const auto authority = parse_authority(host);
  if (authority && is_loopback(authority->host)) return true;
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
    return entry == kAny || (authority && host_matches(authority->host, entry));
  });
}

std::string host_refusal(std::string_view host, std::string_view hosts_option,
                         std::string_view proxies_option) {
  std::string text = "host ";
  append_quoted(text, host);
  text +=
      " is not served here, to stop DNS rebinding: use localhost or a loopback address, or name "
      "the "
      "host with ";
  text += hosts_option;
  text += ", or your proxy with ";
  return text += proxies_option;
}

bool is_host_pattern(std::string_view text) noexcept {
  if (text == kAny) return true;
  const auto authority = parse_authority(text);
  return authority && authority->host == text && is_listable_host(text);
}

bool host_matches(std::string_view host, std::string_view pattern) noexcept {
  if (!pattern.starts_with(kSubdomains)) return equals_ignore_case(host, pattern);
  return is_subdomain(host, pattern.substr(kSubdomains.size()));
}

bool is_listable_host(std::string_view host) noexcept {
  if (host.starts_with(kSubdomains)) {
    host.remove_prefix(kSubdomains.size());
    // "*.com" is too wide, but "*.localhost" and "*.internal" are in use, so single labels are
    // allowed.
    if (host.empty() || host.starts_with('.') || ends_in_number(host)) return false;
  }
  return host.find('*') == std::string_view::npos;
}

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

}  // namespace wsd::protocol
