// The pace of fan-outs: a large room's next batch waits until the other shards have sent the last
// one and have read what their members answered meanwhile.
//
// Members of each shard get a batch at another time, and answer at another time. Without a wait,
// the home shard sends the answers of its own members at once and those of other members in a batch
// of their own. There are then twice as many batches of half the size, each with one send per
// member.
//
// The home shard counts a batch in at the fan-out gate of each other shard. That shard counts it
// out in the turn after its sends, when that turn has read and posted the answers.
//
// A room is not delayed if the other shards have nothing to send to it. No message waits longer
// than the sends to the other shard's members can take.
#include <algorithm>
#include <utility>

#include "hub/hub.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

// The longest wait: more than one send to each member of the other shard takes.
constexpr std::uint64_t kPaceNs = 1'000'000;
constexpr std::uint64_t kPaceNsPerMember = 10'000;

}  // namespace

// Counts a batch in, if the room's next batch may wait for it. Returns whether it did.
bool Shard::count_for_pace(const RoomHome::ShardCount& target) noexcept {
  if (!ends_turns_ || target.members < paced_members_) return false;
  hub_.shard(target.shard).fan_out_gate_.add();
  return true;
}

// Returns whether the room's batch must wait for another shard.
bool Shard::must_wait(const RoomHome& home) noexcept {
  if (!ends_turns_ || !home.has_pending()) return false;
  for (const RoomHome::ShardCount& each : home.shards()) {
    if (each.shard == index_ || each.members < paced_members_) continue;
    const std::uint64_t until = home.first_pending_ns + kPaceNs + each.members * kPaceNsPerMember;
    if (owned_rooms_.now_ns() >= until) continue;
    if (hub_.shard(each.shard).fan_out_gate_.is_done(index_)) continue;
    paced_until_ns_ = std::min(paced_until_ns_, until);
    return true;
  }
  return false;
}

// Comes after the reads of the turn, so that a home shard finds the answers in its mailbox when it
// wakes up.
void Shard::go_on() noexcept {
  if (awaited_ != 0) open_gate(fan_out_gate_.done(std::exchange(awaited_, 0)), GateKind::kFanOut);
  if (std::exchange(paced_until_ns_, kNeverPaced) != kNeverPaced) owned_rooms_.unblock();
}

}  // namespace wsd::hub
