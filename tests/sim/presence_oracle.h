// Checks the presence of rooms: the messages that tell of it, and the lists of members.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "hub/hub.h"
#include "hub/presence.h"

namespace wsd::sim {

// Makes presence messages that are stamped as those of a publisher. So the peers and the RoomLog
// check that each member gets them once and in order, as all messages of the room.
//
// The joins of a connection have odd numbers, and each of its leaves has the number after that of
// its join.
class PresenceOracle final : public hub::PresenceEncoder {
 public:
  PresenceOracle();
  PresenceOracle(const PresenceOracle&) = delete;
  PresenceOracle& operator=(const PresenceOracle&) = delete;
  ~PresenceOracle();

  // Returns the oracle of the current run, or nullptr.
  [[nodiscard]] static PresenceOracle* current() noexcept;

  [[nodiscard]] SharedBytes presence_frame(const PresenceEvent& event) override;

  // A message of a room gets its position. The run fails if it is a leave without its join.
  void placed(std::string_view room, Bytes frame);
  // Nothing is in progress. The run fails if the list of a room is not the set of its members, or
  // not what its messages tell. `all_placed`: all messages had a position. Otherwise those of a
  // room without members may have had none.
  void check_rest(const hub::Hub& hub, bool all_placed) const;

 private:
  using Ids = std::set<std::string>;

  [[nodiscard]] static std::map<std::string, Ids> members(const hub::Hub& hub);

  std::map<std::string, int> publishers_;  // by id of the member
  std::map<int, std::string> ids_;
  std::map<std::pair<std::string, int>, std::uint32_t> made_;    // the last number, by room
  std::map<std::pair<std::string, int>, std::uint32_t> placed_;  // the last number, by room
};

}  // namespace wsd::sim
