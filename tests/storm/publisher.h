// Messages that can be checked where they arrive.
//
//   p ROOM PUBLISHER NUMBER   a message to a room
//   d PUBLISHER NUMBER        a message to one connection
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "storm/dice.h"

namespace wsd::storm {

// All connections join this room when they open, and none leaves it.
inline constexpr const char* kAllRoom = "all";

// Returns the name of a random room. Rooms "h..." have history, so a join may replay old messages.
// Rooms "l..." are latest-only, so messages may be missing.
[[nodiscard]] inline std::string any_room(Dice& dice) {
  static constexpr const char* kNames[] = {"r0", "r1", "r2", "r3", "r4", "h0",
                                           "h1", "l0", "r5", "r6", "r7"};
  return kNames[dice.below(std::size(kNames))];
}

// The source of an order: one foreign thread, or the handlers of one connection.
class Publisher {
 public:
  Publisher() : number_(next_number_.fetch_add(1)) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Returns the next message to the room. It stays the next one until sent() is called.
  [[nodiscard]] std::string to_room(const std::string& room) const {
    const auto found = numbers_.find(room);
    const std::uint64_t last = found == numbers_.end() ? 0 : found->second;
    return "p " + room + " " + std::to_string(number_) + " " + std::to_string(last + 1);
  }
  void sent(const std::string& room) { ++numbers_[room]; }
  [[nodiscard]] std::string to_connection() {
    return "d " + std::to_string(number_) + " " + std::to_string(++direct_);
  }

 private:
  static inline std::atomic<std::uint64_t> next_number_{1};

  std::uint64_t number_;
  std::uint64_t direct_ = 0;
  std::map<std::string, std::uint64_t> numbers_;
};

}  // namespace wsd::storm
