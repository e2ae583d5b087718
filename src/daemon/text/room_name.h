// Room names, and their form in the path of a request.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

inline constexpr std::size_t kRoomNameMax = 128;  // bytes, percent-decoded

// Returns the last segment of `path`, percent-decoded as by decode_segment(). It may contain
// slashes, which were encoded as %2F.
[[nodiscard]] std::string room_of_path(std::string_view path);

// Checks a room name: 1 to kRoomNameMax bytes of UTF-8 (RFC 3629) without control bytes, so that it
// can be logged and displayed. Returns an empty string, or a sentence for the client.
[[nodiscard]] std::string room_name_error(std::string_view room);

}  // namespace wsd::daemon
