// A network: all addresses that begin with the same bits (RFC 4632 §3.1, RFC 4291 §2.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace wsd {

class IpNetwork {
 public:
  // Parses "10.0.0.0/8", "2001:db8::/32" or one address. For any other text, returns std::nullopt
  // and sets `error` to a clause with the error and its remedy. Bits after the prefix must be 0,
  // because the meaning of 10.1.2.3/8 is not clear.
  [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text, std::string& error);

  // Returns whether the network contains `address`. IPv4 addresses, including IPv4-mapped ones,
  // belong only to IPv4 networks.
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;

 private:
  IpAddress base_;
  unsigned bits_ = 0;  // of 128
};

}  // namespace wsd
