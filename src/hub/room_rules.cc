#include "hub/room_rules.h"

#include <algorithm>

#include "wsd/room_pattern.h"

namespace wsd::hub {

const RoomTerms& RoomRules::of(std::string_view room) const noexcept {
  const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const NamedTerms& each) {
    return room_fits(each.pattern, room);
  });
  return found == rules_.end() ? others_ : found->terms;
}

}  // namespace wsd::hub
