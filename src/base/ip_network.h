// A network: the addresses that begin with the same bits (RFC 4632 §3.1, RFC 4291 §2.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace wsd {

class IpNetwork {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or one address. Nothing, and a clause in `error` that says what
  // is wrong and how to mend it, for any other text. Bits beyond the length must be 0, since one
  // who writes 10.1.2.3/8 may have meant either.
  [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text, std::string& error);

  // IPv4 addresses are in networks of IPv4 alone, also those that a socket shows as ::ffff:a.b.c.d.
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;

 private:
  IpAddress base_;
  unsigned bits_ = 0;  // of 128
};

}  // namespace wsd
