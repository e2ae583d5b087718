// Which wsd this is.
#pragma once

#include <string_view>

namespace wsd {

// As numbers.
inline constexpr int kVersionMajor = 0;
inline constexpr int kVersionMinor = 1;
inline constexpr int kVersionPatch = 0;

// "0.1.0". Any thread.
[[nodiscard]] std::string_view version() noexcept;

// The library behind permessage-deflate, "zlib 1.2.13"; empty when built without. Any thread.
[[nodiscard]] std::string_view deflate_library() noexcept;

}  // namespace wsd
