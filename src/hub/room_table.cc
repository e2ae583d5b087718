#include "hub/room_table.h"

#include "base/assert.h"

namespace wsd::hub {

bool RoomTable::begin_join(Member& member, std::string_view room, std::uint32_t token) {
  auto found = rooms_.find(room);
  if (found == rooms_.end()) {
    found = rooms_.try_emplace(std::string(room)).first;
    found->second.name = found->first;
  }
  LocalRoom& local = found->second;
  if (member.memberships().find(&local) != nullptr) return false;
  try {
    // Reserve space for every pending join, so that complete_join() needs no memory.
    if (local.members.capacity() == local.memberships) {
      local.members.reserve(2 * local.members.capacity() + 1);
    }
    member.memberships().add({&local, Membership::kPending, token});
  } catch (...) {
    if (local.memberships == 0) rooms_.erase(found);
    throw;
  }
  ++local.memberships;
  return true;
}

bool RoomTable::is_pending(Member& member, std::string_view room, std::uint32_t token) noexcept {
  const LocalRoom* const local = find(room);
  const Membership* const membership =
      local == nullptr ? nullptr : member.memberships().find(local);
  return membership != nullptr && membership->token == token &&
         membership->index == Membership::kPending;
}

bool RoomTable::complete_join(Member& member, std::string_view room, std::uint32_t token) {
  if (!is_pending(member, room, token)) return false;
  LocalRoom* const local = find(room);
  Membership* const membership = member.memberships().find(local);
  membership->index = static_cast<std::uint32_t>(local->members.size());
  local->members.push_back(&member);
  return true;
}

bool RoomTable::leave(Member& member, std::string_view room) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return false;
  LocalRoom& local = found->second;
  const Membership* const membership = member.memberships().find(&local);
  if (membership == nullptr) return false;
  if (membership->index != Membership::kPending) {
    // The last member moves into the free place, so that leaving costs the same in a room of any
    // size.
    Member* const last = local.members.back();
    local.members[membership->index] = last;
    local.members.pop_back();
    last->memberships().find(&local)->index = membership->index;
  }
  member.memberships().remove(&local);
  WSD_DCHECK(local.memberships > 0);
  if (--local.memberships == 0) rooms_.erase(found);
  return true;
}

bool RoomTable::has(Member& member, std::string_view room) noexcept {
  const LocalRoom* const local = find(room);
  return local != nullptr && member.memberships().find(local) != nullptr;
}

LocalRoom* RoomTable::find(std::string_view room) noexcept {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : &found->second;
}

}  // namespace wsd::hub
