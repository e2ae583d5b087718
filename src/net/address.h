// Listen addresses and peer addresses.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::net {

// The address from accept4(2).
struct PeerAddress {
  sockaddr_storage storage = {};
};

// Returns "127.0.0.1:4711", "[::1]:4711" or "unix".
[[nodiscard]] std::string format_peer(const PeerAddress& peer);

// The parts of "HOST:PORT", "[V6]:PORT", ":PORT" or "unix:PATH".
struct ListenAddress {
  bool unix_socket = false;
  std::string host;  // without brackets; empty: all addresses
  std::uint16_t port = 0;
  std::string path;  // of a Unix socket
};

// Returns an empty string and fills `address`, or returns an error message.
[[nodiscard]] std::string parse_listen_address(std::string_view text, ListenAddress& address);

}  // namespace wsd::net
