// Flags for authentication and for limits per client.
#include <wsd/check.h>

#include <array>
#include <utility>

#include "daemon/config/flag_groups.h"

namespace wsd::daemon {
namespace {

constexpr std::array<Choice<bool>, 2> kSwitch = {{{"off", false}, {"on", true}}};

std::string path_error(std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F)
      return quote(value) + " contains a control byte; write a file name without one";
  }
  return {};
}

// RFC 6265 §4.1.1: a cookie name is a token, and so is a subprotocol.
std::string cookie_name_error(std::string_view value) {
  if (check_subprotocol(value).empty()) return {};
  return quote(value) + " is not a cookie name: write a word, such as wsd_token";
}

}  // namespace

Table access_flags() {
  return {
      text_value(
          "FILE",
          {"auth-file",
           "require a token from FILE, which has one user per line: TOKEN USER [read=PATTERN,...] "
           "[write=PATTERN,...]; without it everyone is allowed"},
          &path_error, [](Options & o) -> auto& { return o.auth.file; }),
      text_value(
          "NAME", {"auth-cookie", "cookie that may carry the token"}, &cookie_name_error,
          [](Options & o) -> auto& { return o.auth.cookie; }),
      choice(
          "MODE",
          {"revoke-on-reload",
           "on closes a connection with 1008 when a reload of --auth-file removes its token, or a "
           "right that it uses; off lets it stay open"},
          kSwitch, [](Options & o) -> auto& { return o.auth.revoke_on_reload; }),
  };
}

Table rate_flags() {
  return {
      count<std::uint32_t>(
          {"max-connections-per-address",
           "limit on WebSocket connections from one IPv4 address or IPv6 /64; 0 for no limit"},
          [](Options & o) -> auto& { return o.server.rates.max_connections_per_address; }),
      count<std::uint32_t>(
          {"max-handshakes-per-second",
           "limit on opening handshakes per second from one such address; 0 for no limit"},
          [](Options & o) -> auto& { return o.server.rates.max_handshakes_per_second; }),
      count<std::uint32_t>(
          {"max-messages-per-second",
           "limit on messages per second from one connection; 0 for no limit"},
          [](Options & o) -> auto& { return o.server.rates.max_messages_per_second; }),
      size<std::size_t>(
          {"max-bytes-per-second", "limit on bytes per second from one connection; 0 for no limit"},
          [](Options & o) -> auto& { return o.server.rates.max_bytes_per_second; }),
      count<std::uint32_t>(
          {"max-rooms-per-connection",
           "limit on the rooms one connection may join; 0 for no limit"},
          [](Options & o) -> auto& { return o.server.rates.max_rooms_per_connection; }),
      count<std::uint32_t>(
          {"max-rooms", "limit on the number of rooms; 0 for no limit"},
          [](Options & o) -> auto& { return o.server.rates.max_rooms; }),
  };
}

}  // namespace wsd::daemon
