// IP addresses as values, without sockets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wsd {

// IPv4 or IPv6. An IPv4 address in IPv6 (::ffff:192.0.2.1, RFC 4291 §2.5.5.2), as a socket for both
// kinds sees it, is the IPv4 address.
class IpAddress {
 public:
  IpAddress() = default;  // ::
  [[nodiscard]] static IpAddress v4(std::span<const std::uint8_t, 4> bytes) noexcept;
  [[nodiscard]] static IpAddress v6(std::span<const std::uint8_t, 16> bytes) noexcept;
  // RFC 3986 §3.2.2 IPv4address (no leading zeros) or IPv6address (RFC 4291 §2.2). No zone, no
  // port, no brackets.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text) noexcept;

  [[nodiscard]] bool is_v4() const noexcept;
  // In network order; an IPv4 address as ::ffff:a.b.c.d.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  // "192.0.2.1", or as RFC 5952 §4 writes IPv6.
  [[nodiscard]] std::string text() const;
  bool operator==(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// An address with the port, where one is known.
struct IpEndpoint {
  IpAddress address;
  std::optional<std::uint16_t> port;

  // "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]" or "[2001:db8::1]:4711".
  [[nodiscard]] static std::optional<IpEndpoint> parse(std::string_view text) noexcept;
  [[nodiscard]] std::string text() const;
  bool operator==(const IpEndpoint&) const = default;
};

// A decimal port up to 65535 of at most five digits.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

}  // namespace wsd
