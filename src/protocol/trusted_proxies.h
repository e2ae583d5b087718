// The proxies that are trusted to report the client of a connection.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/ip_network.h"

namespace wsd::protocol {

class TrustedProxies {
 public:
  // Stands for the peers of Unix sockets, which have no address.
  static constexpr std::string_view kUnix = "unix";

  // Adds a network, an address or "unix". Returns an empty string, or a clause with the error and
  // its remedy.
  [[nodiscard]] std::string add(std::string_view text);

  [[nodiscard]] bool empty() const noexcept { return networks_.empty() && !unix_; }
  [[nodiscard]] bool trusts(const IpAddress& address) const noexcept;
  // Returns whether the peer is trusted. `peer` has the format of net::format_peer().
  [[nodiscard]] bool trusts_peer(std::string_view peer) const noexcept;

 private:
  std::vector<IpNetwork> networks_;
  bool unix_ = false;
};

}  // namespace wsd::protocol
