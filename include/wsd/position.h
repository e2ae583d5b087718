// Places in a room's stream of messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd {

// A message's place in its room. Within one epoch `seq` counts 1, 2, 3 …; another epoch is another
// life of the room, whose places do not compare. Epochs are below 2^53, exact in a JSON number.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  // The same place of the same life.
  bool operator==(const Position&) const = default;
};

// "EPOCH:SEQ" in decimal digits. Any thread.
[[nodiscard]] std::string position_text(const Position& position);
// Takes that and nothing else: no sign, no space, no number above 2^64 - 1. Any thread.
[[nodiscard]] std::optional<Position> parse_position(std::string_view text) noexcept;

// From where on a joiner wants a room's messages. What came before its join is there only where the
// room keeps a history (HistoryOptions).
struct Since {
  // The three ways to begin.
  enum class Kind : std::uint8_t {
    kNow,    // what is published after the join
    kLast,   // the last `count` messages too, as far as they are kept
    kAfter,  // all after `position`; where some are kept no more, all that are, and the gap is told
  };
  Kind kind = Kind::kNow;
  std::uint32_t count = 0;
  Position position;

  // With the last `count` messages; with those after `position`.
  [[nodiscard]] static Since last(std::uint32_t count) noexcept { return {Kind::kLast, count, {}}; }
  [[nodiscard]] static Since after(Position position) noexcept {
    return {Kind::kAfter, 0, position};
  }
};

// What a room's home knows of it.
struct RoomState {
  std::size_t members = 0;
  Position last;  // of the latest message; all 0 for a room that is not there
};

}  // namespace wsd
