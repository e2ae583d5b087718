#include "engine/room_key.h"

#include <array>

namespace wsd::engine {
namespace {

constexpr unsigned kSlots = 16'384;

// CRC-16/XMODEM, as the specification of Redis Cluster has it.
constexpr std::array<std::uint16_t, 256> kCrc16 = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021U : 0U);
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

// Returns the two digits of a byte's percent-encoding, or an empty text for a byte that is not
// encoded.
constexpr std::string_view encoding_of(char c) noexcept {
  switch (c) {
    case '%':
      return "25";
    case '{':
      return "7B";
    case '}':
      return "7D";
    default:
      return {};
  }
}

std::string_view hash_tag(std::string_view key) noexcept {
  const std::size_t open = key.find('{');
  if (open == key.npos) return key;
  const std::size_t close = key.find('}', open + 1);
  if (close == key.npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

}  // namespace

std::string room_key(std::string_view prefix, std::string_view room) {
  std::string key;
  key.reserve(prefix.size() + room.size() + 2);
  key += prefix;
  key += '{';
  for (const char c : room) {
    const std::string_view digits = encoding_of(c);
    if (digits.empty()) {
      key += c;
    } else {
      key += '%';
      key += digits;
    }
  }
  key += '}';
  return key;
}

std::optional<std::string> room_of_key(std::string_view prefix, std::string_view key) {
  if (!key.starts_with(prefix)) return std::nullopt;
  key.remove_prefix(prefix.size());
  if (key.size() < 2 || key.front() != '{' || key.back() != '}') return std::nullopt;
  key = key.substr(1, key.size() - 2);
  std::string room;
  room.reserve(key.size());
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (encoding_of(key[i]).empty()) {
      room += key[i];
      continue;
    }
    if (key[i] != '%') return std::nullopt;
    const std::string_view digits = key.substr(i + 1, 2);
    bool known = false;
    for (const char c : {'%', '{', '}'}) {
      if (digits != encoding_of(c)) continue;
      room += c;
      known = true;
    }
    if (!known) return std::nullopt;
    i += 2;
  }
  return room;
}

std::uint16_t slot_of_key(std::string_view key) noexcept {
  unsigned crc = 0;
  for (const char c : hash_tag(key)) {
    const unsigned index = (crc >> 8 ^ static_cast<std::uint8_t>(c)) & 0xFF;
    crc = (crc << 8 & 0xFFFF) ^ kCrc16[index];
  }
  return static_cast<std::uint16_t>(crc % kSlots);
}

}  // namespace wsd::engine
