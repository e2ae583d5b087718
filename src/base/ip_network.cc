#include "base/ip_network.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace wsd {
namespace {

constexpr unsigned kAllBits = 128;
constexpr unsigned kV4Bits = 32;

IpAddress masked(const IpAddress& address, unsigned bits) noexcept {
  std::array<std::uint8_t, 16> bytes = address.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned before = static_cast<unsigned>(i) * 8;
    const unsigned kept = bits <= before ? 0 : bits - before >= 8 ? 8 : bits - before;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xFF00U >> kept));
  }
  return IpAddress::v6(bytes);
}

}  // namespace

std::optional<IpNetwork> IpNetwork::parse(std::string_view text, std::string& error) {
  const std::string quoted = "'" + std::string(text) + "'";
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    error = quoted + " is not a network: write 10.0.0.0/8, 2001:db8::/32 or an address";
    return std::nullopt;
  }
  const unsigned most = address->is_v4() ? kV4Bits : kAllBits;
  unsigned bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* const end = digits.data() + digits.size();
    const auto [at, failure] = std::from_chars(digits.data(), end, bits);
    if (digits.empty() || failure != std::errc() || at != end || bits > most) {
      error = quoted + " has no valid prefix length: write a number from 0 to " +
              std::to_string(most) + " after the slash";
      return std::nullopt;
    }
  }
  IpNetwork network;
  network.bits_ = bits + (kAllBits - most);
  network.base_ = masked(*address, network.bits_);
  if (network.base_ != *address) {
    error = quoted + " has bits set beyond its prefix length: write " + network.base_.text() + "/" +
            std::to_string(bits) + ", or the address alone";
    return std::nullopt;
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const noexcept {
  return address.is_v4() == base_.is_v4() && masked(address, bits_) == base_;
}

}  // namespace wsd
