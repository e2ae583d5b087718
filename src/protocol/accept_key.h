// Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 §4.2.2, §1.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::protocol {

inline constexpr std::size_t kNonceBytes = 16;  // RFC 6455 §4.1 (7)
inline constexpr std::size_t kKeyBytes = 24;    // base64 of the nonce
inline constexpr std::size_t kAcceptKeyBytes = 28;
using AcceptKey = std::array<char, kAcceptKeyBytes>;

// Returns a client's key: base64(nonce). The nonce must be random, and fresh for each connection.
[[nodiscard]] std::string make_key(const std::array<std::uint8_t, kNonceBytes>& nonce);

// Returns base64(SHA-1(key + GUID)). `key` must be a valid key.
[[nodiscard]] AcceptKey accept_key(std::string_view key) noexcept;

// Returns whether `key` is base64 (RFC 4648 §4, padded) of exactly 16 bytes. Its unused bits may
// have any value.
[[nodiscard]] bool is_valid_key(std::string_view key) noexcept;

}  // namespace wsd::protocol
