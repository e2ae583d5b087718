#include "protocol/client_url.h"

#include <algorithm>

#include "base/in_quotes.h"
#include "protocol/authority.h"
#include "protocol/field_name.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::size_t kMostSocketBytes = 107;  // sun_path without its NUL (unix(7))
constexpr std::uint16_t kWsPort = 80;          // RFC 6455 §3

std::string refuse(std::string_view text, std::string_view why) {
  return in_quotes(text.substr(0, text.find('?'))) + " " + std::string(why);
}

// Removes `prefix` from the front. Schemes are compared without case (RFC 3986 §3.1).
bool take_scheme(std::string_view& text, std::string_view prefix) noexcept {
  if (!equals_ignore_case(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// RFC 6455 §3: the resource name is the path, "/" if it is empty, and the query.
std::string set_target(std::string_view text, std::string_view resource, ClientUrl& url) {
  if (!std::all_of(resource.begin(), resource.end(), is_target_byte)) {
    return refuse(text,
                  "has a blank, a control byte or a byte above 0x7E in its path or query: "
                  "percent-encode it");
  }
  url.target = resource;
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return {};
}

std::string parse_unix(std::string_view text, std::string_view rest, ClientUrl& url) {
  const std::size_t end = std::min(rest.find_first_of(":?"), rest.size());
  const std::string_view socket = rest.substr(0, end);
  if (!socket.starts_with('/') || socket.find('\0') != std::string_view::npos) {
    return refuse(text, "does not have an absolute path of a socket: write unix:/SOCKET:/PATH");
  }
  if (socket.size() > kMostSocketBytes) {
    return refuse(text,
                  "has a socket path of more than 107 bytes, the limit of a Unix socket: use a "
                  "shorter path");
  }
  url.socket = socket;
  url.authority = "localhost";
  std::string_view resource = rest.substr(end);
  if (resource.starts_with(':')) {
    resource.remove_prefix(1);
    if (!resource.starts_with('/')) {
      return refuse(text,
                    "has a request path that does not begin with /: write unix:/SOCKET:/PATH");
    }
  }
  return set_target(text, resource, url);
}

std::string parse_host(std::string_view text, std::string_view rest, ClientUrl& url) {
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) {
    // The text is not repeated, because a log is no place for a password.
    return "the URL has a user or a password: leave them out, and set an Authorization header";
  }
  const auto parsed = parse_authority(authority);
  if (!parsed || parsed->port_or(kWsPort) == 0) {
    return refuse(text,
                  "does not name a host: write ws://HOST, ws://HOST:PORT or ws://[V6]:PORT, with a "
                  "port of 1 to 65535");
  }
  url.host = parsed->host;
  if (url.host.starts_with('[')) url.host = url.host.substr(1, url.host.size() - 2);
  url.port = parsed->port_or(kWsPort);
  url.authority = authority;
  return set_target(text, rest.substr(authority.size()), url);
}

}  // namespace

std::string parse_client_url(std::string_view text, ClientUrl& url) {
  url = {};
  std::string_view rest = text;
  if (take_scheme(rest, "wss:")) {
    return "wss:// asks for TLS, which this library does not speak: run a local TLS proxy such as "
           "stunnel or haproxy, and connect to its port with ws:// or to its socket with unix:";
  }
  if (text.find('#') != std::string_view::npos) {
    return refuse(text.substr(0, text.find('#')),
                  "has a fragment: leave it out (RFC 6455, section 3)");
  }
  if (take_scheme(rest, "ws+unix:") || take_scheme(rest, "unix:")) {
    return parse_unix(text, rest, url);
  }
  if (take_scheme(rest, "ws://")) return parse_host(text, rest, url);
  return refuse(text, "is not a WebSocket URL: write ws://HOST[:PORT]/PATH or unix:/SOCKET:/PATH");
}

}  // namespace wsd::protocol
