// Rooms with messages that wait for the end of a delivery window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hub/room_config.h"
#include "hub/room_home.h"

namespace wsd::hub {

// Holds the rooms of one home shard with messages that wait, so that they leave together. The
// window of a room begins when its first pending message gets its position, and lasts
// RoomConfig::window_ns. It ends early when much is pending, because more messages in one send save
// nothing then, and a member's send queue must not overflow because of the window.
//
// Rooms with equal windows are linked in the order of their ends, so that each call takes constant
// time, however many rooms wait. No call needs memory. Home shard's thread only.
class DeliveryWindows {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  // A window ends early when this much is pending in the room.
  static constexpr std::size_t kMostBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMostMessages = 1'024;

  // Knows the windows of `configs`. Rooms must not have others.
  explicit DeliveryWindows(const RoomConfigTable& configs);
  DeliveryWindows(const DeliveryWindows&) = delete;
  DeliveryWindows& operator=(const DeliveryWindows&) = delete;

  // Returns whether a room may have a window.
  [[nodiscard]] bool in_use() const noexcept { return !lanes_.empty(); }
  // Returns the longest window of a room.
  [[nodiscard]] std::uint64_t longest_ns() const noexcept;
  // Returns whether the pending messages of the room must wait.
  [[nodiscard]] bool holds_back(const RoomHome& room, std::uint64_t now_ns) const noexcept {
    return room.config().window_ns != 0 && is_open(room, now_ns);
  }
  // The room waits. It must be in no queue, and must have a window.
  void add(RoomHome& room) noexcept;
  // A room that waits leaves before its window has ended.
  void remove(RoomHome& room) noexcept;
  // Returns when the next window ends, or kNever.
  [[nodiscard]] std::uint64_t next_end_ns() const noexcept;
  // Moves the rooms with windows that have ended to the end of `due`.
  void take_ended(std::uint64_t now_ns, RoomQueue& due) noexcept;
  // From here on no room waits. Moves all that do to the end of `due`.
  void close(RoomQueue& due) noexcept;

 private:
  struct Lane {  // the rooms with one window, which ends first first
    std::uint64_t window_ns = 0;
    RoomHome* first = nullptr;
    RoomHome* last = nullptr;
  };

  [[nodiscard]] static std::uint64_t end_of(const RoomHome& room) noexcept {
    return room.first_pending_ns + room.config().window_ns;
  }
  [[nodiscard]] bool is_open(const RoomHome& room, std::uint64_t now_ns) const noexcept;
  [[nodiscard]] Lane& lane_of(const RoomHome& room) noexcept;
  void know(std::uint64_t window_ns);
  static void unlink(Lane& lane, RoomHome& room) noexcept;

  std::vector<Lane> lanes_;  // one for each window
  bool closed_ = false;
};

}  // namespace wsd::hub
