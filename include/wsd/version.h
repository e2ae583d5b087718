// The version of the library.
#pragma once

#include <string_view>

namespace wsd {

// The version as numbers.
inline constexpr int kVersionMajor = 0;
inline constexpr int kVersionMinor = 1;
inline constexpr int kVersionPatch = 0;

// Returns the version as text, "0.1.0". Any thread.
[[nodiscard]] std::string_view version() noexcept;

// Returns the name and version of the compression library behind permessage-deflate, "zlib 1.2.13".
// Empty if the library was built without one. Any thread.
[[nodiscard]] std::string_view deflate_library() noexcept;

}  // namespace wsd
