// The key and channel of a room in Redis: PREFIX{ROOM}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::engine {

// Returns the key of a room. `%`, `{` and `}` of the name are percent-encoded, so that no two rooms
// share a key, and the whole name decides the slot in a cluster (the "hash tag").
[[nodiscard]] std::string room_key(std::string_view prefix, std::string_view room);
// Returns the room of a key that room_key() has made, or std::nullopt for any other text.
[[nodiscard]] std::optional<std::string> room_of_key(std::string_view prefix, std::string_view key);
// Returns the slot of a key in a Redis Cluster: CRC16 of the hash tag, modulo 16384.
[[nodiscard]] std::uint16_t slot_of_key(std::string_view key) noexcept;

}  // namespace wsd::engine
