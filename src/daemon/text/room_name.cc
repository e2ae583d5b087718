#include "daemon/text/room_name.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace wsd::daemon {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// How many bytes the UTF-8 sequence at the front of `text` has, or 0 if there is no valid one
// (RFC 3629 §4: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < length) return 0;
  const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return {};
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return {};
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string room_of_path(std::string_view path) {
  return percent_decoded(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

std::string room_name_error(std::string_view room) {
  if (room.empty()) return "the room name is empty or not validly percent-encoded";
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
