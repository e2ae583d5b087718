// Pages of a room's members, which several nodes have told.
#pragma once

#include <cstdint>

#include "wsd/presence.h"

namespace wsd::hub {

// Merges the page of another node into `page`. Both are answers to the same query, which had this
// limit, and may have fewer members although more follow. The result never skips a member. Its
// position is the lower one, because the list of that node has no later joins and leaves. Throws
// std::bad_alloc if memory runs out; then `page` may lack members.
void merge_members(RoomMembers& page, RoomMembers&& other, std::uint32_t limit);

}  // namespace wsd::hub
