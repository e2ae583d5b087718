// Addresses: what an operator writes, and what a peer comes from.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::net {

// As accept4(2) gave it.
struct PeerAddress {
  sockaddr_storage storage = {};
};

// "127.0.0.1:4711", "[::1]:4711" or "unix".
[[nodiscard]] std::string format_peer(const PeerAddress& peer);

// The parts of "HOST:PORT", "[V6]:PORT", ":PORT" or "unix:PATH".
struct ListenAddress {
  bool unix_socket = false;
  std::string host;  // empty: all addresses; without brackets
  std::uint16_t port = 0;
  std::string path;  // of a Unix socket
};

// Returns an empty string and fills `address`, or a sentence that says what is wrong.
[[nodiscard]] std::string parse_listen_address(std::string_view text, ListenAddress& address);

}  // namespace wsd::net
