#include "hub/room_table.h"

#include <cstddef>
#include <new>

#include "base/assert.h"
#include "hub/shrink_table.h"

namespace wsd::hub {

bool RoomTable::begin_join(Member& member, std::string_view room, std::uint32_t token) {
  auto found = rooms_.find(room);
  if (found == rooms_.end()) {
    const std::size_t most = former_.size() + rooms_.size() + 1;
    if (former_.capacity() < most) former_.reserve(2 * most);
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

bool RoomTable::complete_join(Member& member, std::uint32_t token) {
  Membership* const membership = member.memberships().find_token(token);
  if (membership == nullptr || membership->index != Membership::kPending) return false;
  LocalRoom& local = *membership->room;
  membership->index = static_cast<std::uint32_t>(local.members.size());
  local.members.push_back(&member);
  return true;
}

std::uint32_t RoomTable::begin_leave(Member& member, std::string_view room) {
  const LocalRoom* const local = find(room);
  const std::uint32_t token = member.memberships().find(local)->token;
  member.memberships().begin_leave(local);
  return token;
}

void RoomTable::end_leave(Member& member, std::uint32_t token) noexcept {
  const Membership left = member.memberships().end_leave(token);
  if (left.room != nullptr) remove(member, left);
}

bool RoomTable::leave(Member& member, std::string_view room) noexcept {
  LocalRoom* const local = find(room);
  const Membership* const found = local == nullptr ? nullptr : member.memberships().find(local);
  if (found == nullptr) return false;
  const Membership left = *found;
  member.memberships().remove(local);
  remove(member, left);
  return true;
}

void RoomTable::forget_leaves(Member& member) noexcept {
  while (member.memberships().is_leaving()) remove(member, member.memberships().end_any_leave());
}

// Takes the member, which no longer has this membership, out of the room.
void RoomTable::remove(Member& member, const Membership& membership) noexcept {
  LocalRoom& local = *membership.room;
  if (membership.index != Membership::kPending) {
    // The last member moves into the free place, so that leaving costs the same in a room of any
    // size.
    WSD_DCHECK(local.members[membership.index] == &member);
    Member* const last = local.members.back();
    local.members.pop_back();
    if (membership.index != local.members.size()) {
      local.members[membership.index] = last;
      last->memberships().find_joined(&local)->index = membership.index;
    }
  }
  WSD_DCHECK(local.memberships > 0);
  if (--local.memberships == 0) former_.push_back(rooms_.extract(rooms_.find(local.name)));
}

void RoomTable::shrink() noexcept {
  shrink_table(rooms_);
  constexpr std::size_t kLeast = 256;
  constexpr std::size_t kRatio = 8;
  if (!former_.empty() || former_.capacity() < kLeast ||
      former_.capacity() / kRatio < rooms_.size()) {
    return;
  }
  try {
    std::vector<Rooms::node_type> smaller;
    smaller.reserve(2 * rooms_.size());
    former_.swap(smaller);
  } catch (const std::bad_alloc&) {
    return;
  }
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
