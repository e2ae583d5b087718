#include "wsd/check.h"

#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "engine/engine_url.h"
#include "net/address.h"
#include "protocol/authority.h"
#include "protocol/host.h"
#include "protocol/http_request.h"
#include "protocol/origin.h"
#include "protocol/request_target.h"
#include "protocol/syntax.h"
#include "protocol/trusted_proxies.h"
#include "protocol/utf8.h"
#include "server/option_name.h"
#include "server/router.h"

// One parser decides whether a text is valid. The code here only finds the words for a rejection.
namespace wsd {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kQuotedMax = 80;  // no valid network is that long
constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;  // a NUL ends the path

std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text.substr(0, kQuotedMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e) {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xfU];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  if (text.size() > kQuotedMax) out += "...";
  return out += '"';
}

bool has_space_or_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || protocol::is_control_byte(c); });
}

// `host` is a name, an IPv4 address, or an IPv6 address in brackets.
bool is_host(std::string_view host) {
  const auto authority = protocol::parse_authority(host);
  if (!authority || authority->host != host) return false;
  return host.starts_with('[') || std::all_of(host.begin(), host.end(), [](char c) {
           return protocol::is_alpha(c) || protocol::is_digit(c) || c == '-' || c == '.' ||
                  c == '_';
         });
}

std::string host_error(std::string_view text, std::string_view host) {
  if (host.starts_with('[')) {
    return quoted(text) +
           " has no valid IPv6 address between its brackets; write one, as in [::1]:9001";
  }
  return quoted(text) + " has a host that is neither a name nor an address" +
         (host.find(':') != std::string_view::npos
              ? "; write an IPv6 address in brackets, as in [::1]:9001"
              : "; write one, such as localhost or 127.0.0.1");
}

std::string port_error(std::string_view text, std::string_view range) {
  return quoted(text) + " has no valid port after its last colon; write a number from " +
         std::string(range);
}

std::string unix_path_error(std::string_view text, std::string_view path) {
  if (path.empty()) return quoted(text) + " has no path; write one, as in unix:/run/wsd.sock";
  return quoted(text) + " has a path of " + std::to_string(path.size()) +
         " bytes; use a shorter one, the limit is " + std::to_string(kUnixPathMax);
}

// A link-local address is bound in a zone (RFC 4007 §11): [fe80::1%eth0].
std::string without_zone(std::string_view host) {
  std::string plain(host);
  const std::size_t zone = plain.find('%');
  if (plain.starts_with('[') && plain.ends_with(']') && zone < plain.size() - 2) {
    plain.erase(zone, plain.size() - 1 - zone);
  }
  return plain;
}

// The error of an authority that is_origin_pattern() rejects.
std::string origin_authority_error(std::string_view text, std::size_t begin) {
  const std::string_view authority = text.substr(begin);
  if (authority.find_first_of("?#@") != std::string_view::npos) {
    return quoted(text) +
           " has more parts than an origin may have; keep only the scheme, the host and the port";
  }
  if (const std::size_t slash = authority.find('/'); slash != std::string_view::npos) {
    return quoted(text) + " has a path, which an origin must not have; write " +
           quoted(text.substr(0, begin + slash));
  }
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
  std::string_view host = has_port ? authority.substr(0, colon) : authority;
  if (host.empty()) return quoted(text) + " has no host; write one, as in https://app.example.com";
  if (has_port && authority.find('*', colon) != std::string_view::npos) {
    return quoted(text) + " has a wildcard as its port; list each origin with its port";
  }
  const bool subdomains = host.starts_with("*.");
  if (subdomains) host.remove_prefix(2);
  if (host.find('*') != std::string_view::npos) {
    return quoted(text) +
           " has a wildcard in a place where none is allowed; write https://*.example.com for all "
           "subdomains of example.com, or * alone for all origins";
  }
  if (!subdomains) return is_host(host) ? port_error(text, "1 to 65535") : host_error(text, host);
  const std::string_view label = host.substr(host.rfind('.') + 1);
  const bool number = std::all_of(label.begin(), label.end(), &protocol::is_digit);
  if (number || host.starts_with('.') || host.starts_with('[')) {
    return quoted(text) +
           " has no domain after its wildcard; write one, as in https://*.example.com";
  }
  return is_host(host) ? port_error(text, "1 to 65535") : host_error(text, host);
}

bool has_brace(std::string_view text) { return text.find_first_of("{}") != std::string_view::npos; }

// Replaces each "{name}" by a literal segment, and returns an error of the braces, or an empty
// string.
std::string replace_names(std::string_view pattern, std::string& path) {
  std::vector<std::string_view> names;
  for (const std::string_view segment : server::segments_of(pattern)) {
    path += '/';
    if (!has_brace(segment)) {
      path += segment;
      continue;
    }
    if (segment == "{}" || segment == "{...}") {
      return quoted(pattern) + " has a segment " + std::string(segment) +
             " without a name; write one, as in /rooms/{room}";
    }
    const std::optional<std::string_view> name = server::segment_name(segment);
    if (!name || has_brace(*name)) {
      return quoted(pattern) +
             " has a brace in a segment that is not {name}; write {name} as a whole segment, as in "
             "/rooms/{room}";
    }
    if (std::find(names.begin(), names.end(), *name) != names.end()) {
      return quoted(pattern) + " has one name for two segments; give each segment its own name";
    }
    names.push_back(*name);
    path += 'x';
  }
  return {};
}

// Returns whether a segment follows a "{name...}", which already matches the rest of a path.
bool has_middle_catch_all(std::string_view pattern) {
  const auto segments = server::segments_of(pattern);
  return std::any_of(segments.begin(), segments.end() - 1, [](std::string_view each) {
    return server::segment_kind(each) == server::SegmentKind::kCatchAll;
  });
}

bool has_dot_segment(std::string_view pattern) {
  const auto segments = server::segments_of(pattern);
  return std::any_of(segments.begin(), segments.end(),
                     [](std::string_view each) { return each == "." || each == ".."; });
}

}  // namespace

std::string check_listen_address(std::string_view text) {
  if (has_space_or_control(text))
    return quoted(text) + " contains a space or a control byte; remove it";
  net::ListenAddress address;
  const bool parsed = net::parse_listen_address(text, address).empty();
  if (text.starts_with(kUnixPrefix)) {
    return parsed ? std::string() : unix_path_error(text, text.substr(kUnixPrefix.size()));
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) {
    return quoted(text) + " has no port; write HOST:PORT, [V6]:PORT, :PORT or unix:PATH";
  }
  const std::string_view host = text.substr(0, colon);
  if (!host.empty() && !is_host(without_zone(host))) return host_error(text, host);
  return parsed ? std::string() : port_error(text, "0 to 65535");
}

std::string check_origin(std::string_view text) {
  if (protocol::is_origin_pattern(text)) return {};
  const std::size_t mark = text.find("://");
  const bool has_scheme =
      mark != std::string_view::npos && mark > 0 && protocol::is_alpha(text.front()) &&
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(mark), [](char c) {
        return protocol::is_alpha(c) || protocol::is_digit(c) || c == '+' || c == '-' || c == '.';
      });
  if (has_scheme) return origin_authority_error(text, mark + 3);
  return quoted(text) +
         " is not an origin; write SCHEME://HOST[:PORT], such as "
         "https://app.example.com, null or file:// for local files, or * for all origins";
}

std::string check_host(std::string_view text) {
  if (protocol::is_host_pattern(text)) return {};
  if (text.find("://") != std::string_view::npos) {
    return quoted(text) + " has a scheme; write only the host, as in app.example.com";
  }
  std::string_view host = text;
  if (const auto authority = protocol::parse_authority(text); authority) host = authority->host;
  if (host != text && protocol::is_host_pattern(host)) {
    return quoted(text) + " has a port; write only the host, " + quoted(host) +
           ", which is allowed with every port";
  }
  if (host.find('*') != std::string_view::npos) {
    return quoted(text) +
           " has a wildcard in a place where none is allowed; write *.example.com for all "
           "subdomains of example.com, or * alone for all hosts";
  }
  return quoted(text) +
         " is not a host; write a name or an address, such as app.example.com, 192.0.2.1 or "
         "[2001:db8::1]";
}

std::string check_network(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (printable && text.size() <= kQuotedMax) return protocol::TrustedProxies().add(text);
  return quoted(text) +
         " is not a network: write 10.0.0.0/8, 2001:db8::/32, an address, or unix for peers of "
         "Unix sockets";
}

std::string check_subprotocol(std::string_view text) {
  if (protocol::is_token(text)) return {};
  return quoted(text) +
         " is not a subprotocol; write a name of letters, digits and !#$%&'*+-.^_`|~";
}

std::string check_engine_url(std::string_view text, const OptionName& option_name) {
  engine::EngineUrl url;
  ServerOptions options;
  options.option_name = option_name;
  return server::with_option_names(options, engine::parse_engine_url(text, url));
}

std::string check_engine_prefix(std::string_view text) { return engine::check_engine_prefix(text); }

std::string check_route_pattern(std::string_view pattern) {
  if (!pattern.starts_with('/')) return quoted(pattern) + " is not a path; begin it with a slash";
  std::string path;
  if (std::string error = replace_names(pattern, path); !error.empty()) return error;
  if (has_middle_catch_all(pattern)) {
    return quoted(pattern) +
           " has a segment after a {name...}, which matches the rest of the path; make {name...} "
           "the last segment";
  }
  if (path.find('*') != std::string::npos) {
    return quoted(pattern) +
           " contains a wildcard, which routes do not have; write {name}, which matches one "
           "segment, or {name...} at the end, which matches the rest";
  }
  if (path.find_first_of("?#") != std::string::npos) {
    return quoted(pattern) + " has a query or a fragment; keep only the path before it";
  }
  if (has_dot_segment(pattern)) {
    return quoted(pattern) + " has a segment . or .., which no accepted request has; remove it";
  }
  if (protocol::parse_request_target(path)) return {};
  return quoted(pattern) +
         " contains a byte or an escape that no accepted request has; percent-encode other bytes, "
         "as in /caf%C3%A9";
}

std::optional<std::string> percent_decode(std::string_view text) {
  return server::percent_decode(text);
}

std::string decode_segment(std::string_view segment) { return server::decode_segment(segment); }

bool is_loopback_host(std::string_view host) noexcept { return protocol::is_loopback_host(host); }

bool is_utf8(std::string_view text) noexcept { return protocol::is_utf8(as_bytes(text)); }

}  // namespace wsd
