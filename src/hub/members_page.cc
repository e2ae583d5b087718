#include "hub/members_page.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace wsd::hub {
namespace {

using Members = std::vector<RoomMember>;

bool is_same(const RoomMember& a, const RoomMember& b) { return a.id == b.id; }
bool is_before(const RoomMember& a, const RoomMember& b) { return a.id < b.id; }

// Removes the members with greater ids than this.
void cut(Members& members, const std::string& last_id) {
  const auto is_beyond = [&](const RoomMember& each) { return each.id > last_id; };
  members.erase(std::find_if(members.begin(), members.end(), is_beyond), members.end());
}

Position lower_of(const Position& a, const Position& b) {
  if (a == Position{}) return b;
  if (b == Position{}) return a;
  if (a.epoch != b.epoch) return a.epoch < b.epoch ? a : b;
  return a.seq < b.seq ? a : b;
}

}  // namespace

void merge_members(RoomMembers& page, RoomMembers&& other, std::uint32_t limit) {
  Members& members = page.members;
  // A page that is not the last one has left out the members behind its end.
  const auto end_of = [](const RoomMembers& of) {
    return of.more && !of.members.empty() ? of.members.back().id : std::string();
  };
  const std::string end = end_of(page);
  const std::string other_end = end_of(other);
  if (!end.empty()) cut(other.members, end);
  if (!other_end.empty()) cut(members, other_end);
  const auto middle = static_cast<std::ptrdiff_t>(members.size());
  members.insert(members.end(), std::make_move_iterator(other.members.begin()),
                 std::make_move_iterator(other.members.end()));
  std::inplace_merge(members.begin(), members.begin() + middle, members.end(), is_before);
  // Two nodes never have the same member, unless one of them is wrong.
  members.erase(std::unique(members.begin(), members.end(), is_same), members.end());
  page.more = page.more || other.more || members.size() > limit;
  if (members.size() > limit) members.resize(limit);
  page.presence = page.presence || other.presence;
  page.complete = page.complete && other.complete;
  page.last = lower_of(page.last, other.last);
}

}  // namespace wsd::hub
