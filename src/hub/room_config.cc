#include "hub/room_config.h"

#include <algorithm>

#include "wsd/room_pattern.h"

namespace wsd::hub {

const RoomConfig& RoomConfigTable::of(std::string_view room) const noexcept {
  const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const RoomConfigRule& each) {
    return room_fits(each.pattern, room);
  });
  return found == rules_.end() ? others_ : found->terms;
}

}  // namespace wsd::hub
