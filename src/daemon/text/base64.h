// Base64 (RFC 4648 §4) for bytes that are not text.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

// Returns the encoding of `bytes` with padding.
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace wsd::daemon
