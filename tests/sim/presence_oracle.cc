#include "sim/presence_oracle.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "protocol/frame_writer.h"
#include "sim/kernel.h"
#include "sim/stamp.h"

namespace wsd::sim {
namespace {

constexpr int kFirstPublisher = 1'000'000;
constexpr std::uint64_t kNode = 0;

PresenceOracle* current_oracle = nullptr;

}  // namespace

PresenceOracle::PresenceOracle() {
  WSD_ASSERT(current_oracle == nullptr);
  current_oracle = this;
}

PresenceOracle::~PresenceOracle() { current_oracle = nullptr; }

PresenceOracle* PresenceOracle::current() noexcept { return current_oracle; }

// The call may come again for the same event if memory runs out, and then gives the same number.
SharedBytes PresenceOracle::presence_frame(const PresenceEvent& event) {
  const auto next = kFirstPublisher + static_cast<int>(publishers_.size());
  const int from = publishers_.try_emplace(std::string(event.member), next).first->second;
  ids_.try_emplace(from, event.member);
  std::uint32_t& last = made_[{std::string(event.room), from}];
  const bool joins = event.kind == PresenceKind::kJoined;
  if ((last % 2 == 1) != joins) ++last;
  Stamp stamp;
  stamp.kind = Stamp::Kind::kPublish;
  stamp.room = event.room.front();
  stamp.from = from;
  stamp.number = last;
  SharedBytes frame = protocol::make_frame(protocol::Opcode::kText, as_bytes(stamped(stamp, 0)));
  if (!frame) throw std::bad_alloc();
  return frame;
}

void PresenceOracle::placed(std::string_view room, Bytes frame) {
  const std::optional<Stamp> stamp = read_stamp(as_text(protocol::frame_content(frame).payload));
  if (!stamp || stamp->from < kFirstPublisher) return;
  std::uint32_t& last = placed_[{std::string(room), stamp->from}];
  const bool joins = stamp->number % 2 == 1;
  if (!joins && last != stamp->number - 1) {
    broken("room %.*s tells of a leave without its join", static_cast<int>(room.size()),
           room.data());
  }
  last = stamp->number;
}

std::map<std::string, PresenceOracle::Ids> PresenceOracle::members(const hub::Hub& hub) {
  std::map<std::string, Ids> members;
  for (std::uint32_t i = 0; i < hub.shard_count(); ++i) {
    hub.shard(i).for_each_member([&](hub::Member& member) {
      for (std::size_t k = 0; k < member.memberships().size(); ++k) {
        members[std::string(member.memberships().at(k).room->name)].insert(
            hub::member_id(kNode, member.id()));
      }
    });
  }
  return members;
}

void PresenceOracle::check_rest(const hub::Hub& hub, bool all_placed) const {
  std::map<std::string, Ids> told;
  for (const auto& [key, number] : placed_) {
    if (number % 2 == 1) told[key.first].insert(ids_.at(key.second));
  }
  std::map<std::string, Ids> present = members(hub);
  for (const auto& [key, number] : made_) {
    const std::string& room = key.first;
    Ids listed;
    const RoomMembers page = hub.shard(hub.home_of(room)).members_here(room, {kMaxMembersPage, {}});
    for (const RoomMember& each : page.members) listed.insert(each.id);
    if (listed != present[room]) {
      broken("room %s lists %zu members, and has %zu", room.c_str(), listed.size(),
             present[room].size());
    }
    for (const std::string& each : listed) {
      if (!told[room].contains(each)) broken("room %s lists a member untold", room.c_str());
    }
    if (all_placed && listed.size() != told[room].size()) {
      broken("room %s has told of %zu members, and lists %zu", room.c_str(), told[room].size(),
             listed.size());
    }
  }
}

}  // namespace wsd::sim
