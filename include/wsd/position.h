// Positions in a room's sequence of messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd {

// A message's position in its room. Within one epoch, `seq` counts 1, 2, 3 and so on. A new epoch
// means that the numbering has restarted, and positions of different epochs are not comparable.
// Epochs are below 2^53, so that a JSON number holds them exactly.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  // Returns true if both the epoch and `seq` are equal.
  bool operator==(const Position&) const = default;
};

// A receipt gets this instead of a position if the message was refused, because the history log
// could not keep it (HistorySync::kEach) or the engine has not placed it (EngineOptions).
inline constexpr Position kRefusedPosition{0, ~std::uint64_t{0}};
// A receipt gets this instead of a position if the connection to the engine was lost
// (EngineOptions), and nobody can tell whether the message has a position.
inline constexpr Position kUnknownPosition{0, ~std::uint64_t{0} - 1};
// A receipt of Hub::publish_once() gets this instead of a position if another message of the room
// has the same key. The message was not published.
inline constexpr Position kKeyUsedPosition{0, ~std::uint64_t{0} - 2};

// Returns "EPOCH:SEQ" in decimal digits. Any thread.
[[nodiscard]] std::string position_text(const Position& position);
// Parses exactly that form: no sign, no space, no number above 2^64 - 1. Returns std::nullopt for
// any other text. Any thread.
[[nodiscard]] std::optional<Position> parse_position(std::string_view text) noexcept;

// The point from which a joiner wants a room's messages. Messages from before the join are
// available only if the room keeps a history (HistoryOptions).
struct Since {
  // The three kinds of starting point.
  enum class Kind : std::uint8_t {
    kNow,    // only messages published after the join
    kLast,   // also the last `count` messages, as far as they are stored
    kAfter,  // all messages after `position`; if some are no longer stored, all stored ones and a
             // gap notice
  };
  Kind kind = Kind::kNow;
  std::uint32_t count = 0;
  Position position;

  // Return a starting point `count` messages back, or right after `position`.
  [[nodiscard]] static Since last(std::uint32_t count) noexcept { return {Kind::kLast, count, {}}; }
  [[nodiscard]] static Since after(Position position) noexcept {
    return {Kind::kAfter, 0, position};
  }
};

// The state of a room, on all nodes that share it.
struct RoomState {
  std::size_t members = 0;
  // The position of the latest message. If the room does not exist, its last position, or all zeros
  // if that is not known.
  Position last;
  // False if another node has not told its members in time, so that `members` lacks them.
  bool complete = true;
};

}  // namespace wsd
