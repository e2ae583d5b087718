// Small things about bytes: UTF-8, SHA-1 in Base64, descriptions for people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wsconform {

[[nodiscard]] bool is_utf8(std::string_view bytes);
// What Sec-WebSocket-Accept has to be for this Sec-WebSocket-Key (RFC 6455, 4.2.2).
[[nodiscard]] std::string accept_for(std::string_view key);
[[nodiscard]] std::string base64(std::string_view bytes);
// `pattern` over and over, cut at `size`.
[[nodiscard]] std::string repeated(std::string_view pattern, std::size_t size);
// As it is where it is short printable ASCII, else as hexadecimal digits; with its length.
[[nodiscard]] std::string described(std::string_view bytes);
[[nodiscard]] std::string hex(std::string_view bytes);

}  // namespace wsconform
