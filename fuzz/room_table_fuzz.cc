// Compares RoomTable with a map: the members of each room and pending joins, with responses to
// joins that are late, duplicate or for another join.
//
// Input: instructions of two octets: the operation and the member; the room and the token.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/assert.h"
#include "fuzz_input.h"
#include "hub/fake_member.h"
#include "hub/room_table.h"

namespace {

using namespace wsd::hub;  // NOLINT: a program of its own

constexpr std::size_t kMembers = 8;
constexpr std::size_t kRooms = 8;

struct Place {
  std::uint32_t token = 0;
  bool pending = true;
};

class Machine {
 public:
  void execute(std::uint8_t first, std::uint8_t second) {
    const std::size_t member = first / 4 % kMembers;
    const std::size_t room = second % kRooms;
    switch (first % 4) {
      case 0:
        join(member, room);
        break;
      case 1:
        // Answers the newest join, or one of the three before it.
        answer(member, last_token_ - std::min<std::uint32_t>(last_token_, second / kRooms % 4));
        break;
      case 2:
        leave(member, room);
        break;
      default:
        leave_all(member);
    }
    check();
  }
  void empty() {
    for (std::size_t member = 0; member < kMembers; ++member) leave_all(member);
    WSD_ASSERT(table_.size() == 0);
  }

 private:
  using Key = std::pair<std::size_t, std::size_t>;  // room, member

  static std::string name(std::size_t room) { return std::string(room * 5, 'r'); }

  void join(std::size_t member, std::size_t room) {
    const std::uint32_t token = ++last_token_;
    const bool begun = table_.begin_join(members_[member], name(room), token);
    WSD_ASSERT(begun == expected_.try_emplace({room, member}, Place{token, true}).second);
  }
  // A token belongs to one join, so it names the room too.
  void answer(std::size_t member, std::uint32_t token) {
    const auto found = std::find_if(expected_.begin(), expected_.end(), [&](const auto& each) {
      return each.first.second == member && each.second.pending && each.second.token == token;
    });
    const bool awaited = found != expected_.end();
    if (awaited) found->second.pending = false;
    WSD_ASSERT(table_.complete_join(members_[member], token) == awaited);
  }
  void leave(std::size_t member, std::size_t room) {
    const bool was_in = expected_.erase({room, member}) != 0;
    WSD_ASSERT(table_.leave(members_[member], name(room)) == was_in);
  }
  // Leaves like a shard, by the member's own list.
  void leave_all(std::size_t member) {
    while (!members_[member].memberships().empty()) {
      const std::string room(members_[member].memberships().at(0).room->name);
      WSD_ASSERT(table_.leave(members_[member], room));
    }
    std::erase_if(expected_, [member](const auto& each) { return each.first.second == member; });
  }

  void check() {
    std::set<std::size_t> rooms;
    for (const auto& [key, place] : expected_) rooms.insert(key.first);
    WSD_ASSERT(table_.size() == rooms.size());
    table_.free_names();
    for (std::size_t room = 0; room < kRooms; ++room) check_room(room);
    for (std::size_t member = 0; member < kMembers; ++member) check_member(member);
  }

  void check_room(std::size_t room) {
    LocalRoom* const local = table_.find(name(room));
    std::set<Member*> in;
    std::size_t all = 0;
    for (const auto& [key, place] : expected_) {
      if (key.first != room) continue;
      ++all;
      if (!place.pending) in.insert(&members_[key.second]);
    }
    WSD_ASSERT((local != nullptr) == (all != 0));
    if (local == nullptr) return;
    WSD_ASSERT(local->name == name(room) && local->memberships == all);
    WSD_ASSERT(local->members.size() == in.size());
    WSD_ASSERT(std::set<Member*>(local->members.begin(), local->members.end()) == in);
  }

  void check_member(std::size_t member) {
    Memberships& list = members_[member].memberships();
    std::size_t expected = 0;
    for (const auto& [key, place] : expected_) {
      if (key.second != member) continue;
      ++expected;
      LocalRoom* const local = table_.find(name(key.first));
      const Membership* const membership = list.find(local);
      WSD_ASSERT(membership != nullptr && membership->token == place.token);
      WSD_ASSERT((membership->index == Membership::kPending) == place.pending);
      WSD_ASSERT(place.pending || local->members[membership->index] == &members_[member]);
    }
    WSD_ASSERT(list.size() == expected && list.empty() == (expected == 0));
    std::set<const LocalRoom*> rooms;
    for (std::size_t i = 0; i < list.size(); ++i) rooms.insert(list.at(i).room);
    WSD_ASSERT(rooms.size() == expected);
  }

  RoomTable table_;
  std::array<FakeMember, kMembers> members_;
  std::map<Key, Place> expected_;
  std::uint32_t last_token_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wsd::fuzz::FuzzInput input(data, std::min<std::size_t>(size, 300));
  Machine machine;
  while (!input.empty()) {
    const std::uint8_t first = input.byte();
    machine.execute(first, input.byte());
  }
  machine.empty();
  return 0;
}
