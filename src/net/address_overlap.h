// Finds the listening sockets of this process that keep an address from being bound.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

namespace wsd::net {

// Returns whether both addresses cannot be bound at the same time, as far as the addresses decide:
// equal ports, and equal addresses or an unspecified one. The unspecified IPv6 address includes
// every IPv4 address, unless the socket is for IPv6 only. False for port 0 and for Unix sockets.
[[nodiscard]] bool overlap(const sockaddr* a, bool a_v6_only, const sockaddr* b, bool b_v6_only);

// Returns the name of the address to which a socket is bound: "127.0.0.1:9001", "[::1]:9001",
// "unix:/run/wsd/s" or "unix:@abstract".
[[nodiscard]] std::string bound_name(int fd);

// Returns the names of the listening sockets of this process, of any owner, whose address overlaps
// with `at`. A Unix socket does if it has the same file. Each name once.
[[nodiscard]] std::vector<std::string> own_overlaps(const sockaddr* at);

// Returns the reason and the remedy of an EADDRINUSE for `at`.
[[nodiscard]] std::string in_use_reason(const sockaddr* at);

}  // namespace wsd::net
