// Room names as they come in the path of a request.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

inline constexpr std::size_t kRoomNameMax = 128;  // bytes, percent-decoded

// RFC 3986 §2.1; empty where an escape is broken.
[[nodiscard]] std::string percent_decoded(std::string_view text);

// The percent-decoded last segment of `path`, as received; empty where an escape is broken.
[[nodiscard]] std::string room_of_path(std::string_view path);

// Why `room` cannot be a room's name, as a sentence for the one who asked; empty when it can. A
// name is 1 to kRoomNameMax bytes of UTF-8 (RFC 3629) without control bytes, so that it can be
// logged and shown.
[[nodiscard]] std::string room_name_error(std::string_view room);

// RFC 3629 §4.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace wsd::daemon
