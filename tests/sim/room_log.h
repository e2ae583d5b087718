// The order that each room's home gave its messages, written down as it is given.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "sim/stamp.h"

namespace wsd::sim {

class RoomLog {
 public:
  RoomLog();
  RoomLog(const RoomLog&) = delete;
  RoomLog& operator=(const RoomLog&) = delete;
  ~RoomLog();

  // The log of the run under way.
  [[nodiscard]] static RoomLog& current() noexcept;

  // Each message once, and those of one publisher in their order, or the run is broken.
  void append(std::string_view room, Bytes frame);
  [[nodiscard]] std::size_t size(char room) const;
  [[nodiscard]] std::optional<std::size_t> place(const Stamp& stamp) const;

 private:
  struct Room {
    std::unordered_map<std::uint64_t, std::size_t> places;
    std::map<int, std::uint32_t> last;  // of each publisher
  };
  std::map<char, Room> rooms_;
};

}  // namespace wsd::sim
