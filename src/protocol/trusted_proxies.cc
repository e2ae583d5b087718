#include "protocol/trusted_proxies.h"

#include <algorithm>

namespace wsd::protocol {

std::string TrustedProxies::add(std::string_view text) {
  if (text == kUnix) {
    unix_ = true;
    return {};
  }
  std::string error;
  const auto network = IpNetwork::parse(text, error);
  if (network) {
    networks_.push_back(*network);
  } else {
    error += "; for peers of Unix sockets write unix";
  }
  return error;
}

bool TrustedProxies::trusts(const IpAddress& address) const noexcept {
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const IpNetwork& each) { return each.contains(address); });
}

bool TrustedProxies::trusts_peer(std::string_view peer) const noexcept {
  if (peer == kUnix) return unix_;
  const auto endpoint = IpEndpoint::parse(peer);
  return endpoint && trusts(endpoint->address);
}

}  // namespace wsd::protocol
