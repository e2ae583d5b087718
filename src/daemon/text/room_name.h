// Room names as they come in the path of a request.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

inline constexpr std::size_t kRoomNameMax = 128;  // bytes, percent-decoded

// The percent-decoded last segment of `path`, as received; empty where an escape is broken.
[[nodiscard]] std::string room_of_path(std::string_view path);

// Why `room` cannot be a room's name, as a sentence for the one who asked; empty when it can. A
// name is 1 to kRoomNameMax bytes of UTF-8 (RFC 3629) without control bytes, so that it can be
// logged and shown.
[[nodiscard]] std::string room_name_error(std::string_view room);

}  // namespace wsd::daemon
