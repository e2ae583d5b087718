// Patterns of room names, as settings and rights have them.
#pragma once

#include <string_view>

namespace wsd {

// Whether `pattern`, in which "*" stands for any bytes, none included, fits all of `room`. Time: at
// most the product of their lengths. Any thread.
[[nodiscard]] bool room_fits(std::string_view pattern, std::string_view room) noexcept;

}  // namespace wsd
