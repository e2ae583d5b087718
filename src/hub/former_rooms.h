// The last positions of rooms that no longer exist.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "wsd/position.h"

namespace wsd::hub {

// Remembers the positions of rooms that have ended, so that a room that comes back continues its
// numbering, and a client that was the only member resumes without a false gap notice.
//
// A fixed table: each name has one slot, and a later room with the same slot replaces the former
// one. A room that is forgotten comes back with another epoch, which clients take for a gap. So the
// table may forget, but never claims that nothing is missing. Home shard's thread only.
class FormerRooms {
 public:
  static constexpr std::size_t kSlots = 2048;

  // Allocates the table, unless it exists. Throws std::bad_alloc if memory runs out; then nothing
  // has changed. Call it before remember().
  void reserve();
  // The room ends, and its last message has this position.
  void remember(std::string_view room, const Position& last) noexcept;
  // Returns the last position of the room, or std::nullopt if it is not known.
  [[nodiscard]] std::optional<Position> find(std::string_view room) const noexcept;
  // Does the same, and forgets the room, which begins again.
  [[nodiscard]] std::optional<Position> take(std::string_view room) noexcept;
  // A message for the room was discarded. It uses up a position, so that a client that resumes from
  // before it gets notice of the gap.
  void discard(std::string_view room) noexcept;

 private:
  // A name is known by its 64-bit keyed hash, which peers cannot predict.
  struct Slot {
    std::uint64_t hash = 0;
    Position last;  // epoch 0: free
  };
  [[nodiscard]] Slot* slot_of(std::string_view room) const noexcept;

  std::unique_ptr<Slot[]> slots_;
};

}  // namespace wsd::hub
