// Records the order in which each home shard orders the messages of its rooms.
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

  // The log of the current run.
  [[nodiscard]] static RoomLog& current() noexcept;

  // Appends a message. The run fails if a message comes twice, or if the messages of one publisher
  // are out of order.
  void append(std::string_view room, Bytes frame);
  [[nodiscard]] std::size_t size(char room) const;
  [[nodiscard]] std::optional<std::size_t> place(const Stamp& stamp) const;
  // Returns the number of messages from place `from` up to but not including `to`, without those
  // that `peer` has published and does not want back.
  [[nodiscard]] std::size_t count_for(int peer, char room, std::size_t from, std::size_t to) const;

 private:
  struct Room {
    std::unordered_map<std::uint64_t, std::size_t> places;
    std::vector<int> excepted;          // by place: the peer that must not get the message, or 0
    std::map<int, std::uint32_t> last;  // by publisher
  };
  std::map<char, Room> rooms_;
};

}  // namespace wsd::sim
