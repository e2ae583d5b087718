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

// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (::ffff:192.0.2.1, RFC 4291 §2.5.5.2), as
// reported by a dual-stack socket, equals the IPv4 address.
class IpAddress {
 public:
  IpAddress() = default;  // ::
  [[nodiscard]] static IpAddress v4(std::span<const std::uint8_t, 4> bytes) noexcept;
  [[nodiscard]] static IpAddress v6(std::span<const std::uint8_t, 16> bytes) noexcept;
  // Parses an RFC 3986 §3.2.2 IPv4address (no leading zeros) or an IPv6address (RFC 4291 §2.2).
  // Zones, ports and brackets are not allowed.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text) noexcept;

  [[nodiscard]] bool is_v4() const noexcept;
  // The bytes in network order. An IPv4 address is ::ffff:a.b.c.d.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  // Returns "192.0.2.1", or the IPv6 form of RFC 5952 §4.
  [[nodiscard]] std::string text() const;
  bool operator==(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// An address, with its port if that is known.
struct IpEndpoint {
  IpAddress address;
  std::optional<std::uint16_t> port;

  // Parses "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]" or "[2001:db8::1]:4711".
  [[nodiscard]] static std::optional<IpEndpoint> parse(std::string_view text) noexcept;
  [[nodiscard]] std::string text() const;
  bool operator==(const IpEndpoint&) const = default;
};

// Parses a decimal port: at most five digits, at most 65535.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

}  // namespace wsd
