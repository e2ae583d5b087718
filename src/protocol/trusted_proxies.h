// The peers that are believed when they say whose connection they pass on.
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

  // A network, an address or "unix". Returns an empty string, or a clause that says what is wrong
  // with it and how to mend it.
  [[nodiscard]] std::string add(std::string_view text);

  [[nodiscard]] bool empty() const noexcept { return networks_.empty() && !unix_; }
  [[nodiscard]] bool trusts(const IpAddress& address) const noexcept;
  // `peer` as net::format_peer() writes it.
  [[nodiscard]] bool trusts_peer(std::string_view peer) const noexcept;

 private:
  std::vector<IpNetwork> networks_;
  bool unix_ = false;
};

}  // namespace wsd::protocol
