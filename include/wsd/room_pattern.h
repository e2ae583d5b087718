// Patterns for room names, used in settings and in rights.
#pragma once

#include <string_view>

namespace wsd {

// Returns true if `pattern` matches the whole of `room`. "*" matches any number of bytes, including
// none. Takes time proportional to at most the product of the two lengths. Any thread.
[[nodiscard]] bool room_fits(std::string_view pattern, std::string_view room) noexcept;

}  // namespace wsd
