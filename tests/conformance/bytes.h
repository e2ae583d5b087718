// Helpers for bytes: UTF-8, the handshake digest, patterns and readable descriptions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wsconform {

[[nodiscard]] bool is_utf8(std::string_view bytes);
// Returns the Sec-WebSocket-Accept that matches this Sec-WebSocket-Key (RFC 6455, section 4.2.2).
[[nodiscard]] std::string accept_for(std::string_view key);
[[nodiscard]] std::string base64(std::string_view bytes);
// Returns `size` bytes that repeat `pattern`.
[[nodiscard]] std::string repeated(std::string_view pattern, std::size_t size);
// Returns a short description for a report: printable ASCII in quotes, other bytes in hexadecimal.
[[nodiscard]] std::string described(std::string_view bytes);
[[nodiscard]] std::string hex(std::string_view bytes);

}  // namespace wsconform
