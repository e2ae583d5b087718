#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <bit>
#include <charconv>

namespace wsd::net {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

std::string refuse(std::string_view text, std::string_view why) {
  return "cannot listen on '" + std::string(text) + "': " + std::string(why) +
         " (write HOST:PORT, [V6]:PORT, :PORT or unix:PATH)";
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && at == end && !text.empty();
}

// As inet_ntop(3), which takes ten times as long for it.
std::string format_v4(const sockaddr_in& address) {
  // From the last digit to the first one.
  std::array<char, sizeof("255.255.255.255:65535")> text;
  char* const end = text.data() + text.size();
  char* at = end;
  const auto prepend = [&at](unsigned number) {
    do {
      *--at = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
  };
  prepend(ntohs(address.sin_port));
  const auto octets = std::bit_cast<std::array<std::uint8_t, 4>>(address.sin_addr.s_addr);
  for (std::size_t i = octets.size(); i-- > 0;) {
    *--at = i + 1 == octets.size() ? ':' : '.';
    prepend(octets[i]);
  }
  return {at, end};
}

}  // namespace

std::string format_peer(const PeerAddress& peer) {
  if (peer.storage.ss_family == AF_INET) {
    return format_v4(reinterpret_cast<const sockaddr_in&>(peer.storage));
  }
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (peer.storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer.storage);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
    return "[" + std::string(host.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "unix";
}

std::string parse_listen_address(std::string_view text, ListenAddress& address) {
  address = {};
  if (text.starts_with(kUnixPrefix)) {
    address.unix_socket = true;
    address.path = text.substr(kUnixPrefix.size());
    if (address.path.empty()) return refuse(text, "the path is missing");
    if (address.path.size() >= sizeof(sockaddr_un::sun_path)) {
      return refuse(text, "the path exceeds 107 bytes, the limit of a Unix socket");
    }
    return {};
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || text.substr(end + 1, 1) != ":") {
      return refuse(text, "']:' is missing after the IPv6 address");
    }
    address.host = text.substr(1, end - 1);
    port = text.substr(end + 2);
  } else {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return refuse(text, "the port is missing");
    address.host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (address.host.find(':') != std::string::npos) {
      return refuse(text, "an IPv6 address needs brackets");
    }
  }
  if (!parse_port(port, address.port))
    return refuse(text, "the port is not a number from 0 to 65535");
  return {};
}

}  // namespace wsd::net
