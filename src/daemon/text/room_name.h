// Room names, and their form in the path of a request.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

inline constexpr std::size_t kRoomNameMax = 128;  // bytes, percent-decoded

// Returns the percent-decoded last segment of `path`, or an empty string if the encoding is broken.
[[nodiscard]] std::string room_of_path(std::string_view path);

// Checks a room name: 1 to kRoomNameMax bytes of UTF-8 (RFC 3629) without control bytes, so that it
// can be logged and displayed. Returns an empty string, or a sentence for the client.
[[nodiscard]] std::string room_name_error(std::string_view room);

}  // namespace wsd::daemon
