// Cookies of a request (RFC 6265).
#pragma once

#include <optional>
#include <string_view>

namespace wsd::protocol {

// Returns the value of the first cookie with that name in `field`, the value of a Cookie header
// field (RFC 6265 §4.2.1). Names are compared with case. Skips a pair that breaks the grammar of
// §4.1.1: its name is not a token, or its value has a byte that is not a cookie-octet. A value in
// double quotes keeps them, because they are a part of it. Copies nothing.
[[nodiscard]] std::optional<std::string_view> find_cookie(std::string_view field,
                                                          std::string_view name) noexcept;

}  // namespace wsd::protocol
