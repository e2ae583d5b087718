#include "daemon/text/room_name.h"

#include <wsd/check.h>

#include <algorithm>
#include <cstdint>

namespace wsd::daemon {
std::string room_of_path(std::string_view path) {
  return decode_segment(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

std::string room_name_error(std::string_view room) {
  if (room.empty()) return "the room name is empty";
  if (room.size() > kRoomNameMax) {
    return "the room name has " + std::to_string(room.size()) + " bytes; the limit is " +
           std::to_string(kRoomNameMax);
  }
  if (!is_utf8(room)) return "the room name is not valid UTF-8";
  const bool control = std::any_of(room.begin(), room.end(), [](char c) {
    return static_cast<std::uint8_t>(c) < 0x20 || c == '\x7f';
  });
  if (control) return "the room name contains a control byte";
  return {};
}

}  // namespace wsd::daemon
