// Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 §4.2.2, §1.3).
#pragma once

#include <array>
#include <string_view>

namespace wsd::protocol {

inline constexpr std::size_t kAcceptKeyBytes = 28;
using AcceptKey = std::array<char, kAcceptKeyBytes>;

// Returns base64(SHA-1(key + GUID)). `key` must be a valid key.
[[nodiscard]] AcceptKey accept_key(std::string_view key) noexcept;

// Returns whether `key` is base64 (RFC 4648 §4, padded) of exactly 16 bytes. Its unused bits may
// have any value.
[[nodiscard]] bool is_valid_key(std::string_view key) noexcept;

}  // namespace wsd::protocol
