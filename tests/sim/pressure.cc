#include "sim/pressure.h"

#include "sim/kernel.h"

namespace wsd::sim {

void Pressure::begin_turn(const hub::Hub& hub) {
  ++turn_;
  for (std::uint32_t i = 0; i < hub.shard_count(); ++i) {
    before_[i] = hub.shard(i).deliver_gate().queued();
  }
}

void Pressure::end_turn(const hub::Hub& hub, std::uint32_t reactor) {
  for (std::uint32_t i = 0; i < hub.shard_count(); ++i) {
    const hub::FlowGate& gate = hub.shard(i).deliver_gate();
    if (gate.queued() > before_[i]) {
      if (found_closed_[reactor][i]) {
        broken("shard %u has sent to shard %u, whose gate it knows to be closed", reactor, i);
      }
      found_closed_[reactor][i] = gate.queued() > gate.bound();
    }
    if (gate.queued() > gate.bound() / 2) continue;
    for (auto& of_home : found_closed_) of_home[i] = false;
  }
}

// A connection may exceed the limit in one turn, and in another one if the gate has opened and
// closed meanwhile.
void Pressure::publish(ConnectionId connection, std::uint32_t home, std::size_t bytes) {
  constexpr int kMostTurns = 2;
  unplaced_[home] += bytes;
  if (unplaced_[home] <= most_) return;
  Excess& excess = excesses_[{home, connection}];
  if (excess.turn == turn_) return;
  excess.turn = turn_;
  if (++excess.turns > kMostTurns) {
    broken("a connection is read although %lu bytes wait for shard %u", unplaced_[home], home);
  }
}

void Pressure::accepted_from_outside(std::uint32_t home, std::size_t bytes) {
  if (unplaced_[home] >= most_) {
    broken("a publish is accepted although %lu bytes wait for shard %u", unplaced_[home], home);
  }
  unplaced_[home] += bytes;
}

void Pressure::placed(std::uint32_t home, std::size_t bytes) {
  unplaced_[home] -= bytes;
  if (unplaced_[home] > most_ / 2) return;
  std::erase_if(excesses_, [home](const auto& each) { return each.first.first == home; });
}

void Pressure::check_rest(const hub::Hub& hub) const {
  for (std::uint32_t i = 0; i < hub.shard_count(); ++i) {
    hub::Shard& shard = hub.shard(i);
    if (shard.publish_gate().queued() != 0 || shard.deliver_gate().queued() != 0 ||
        shard.request_gate().queued() != 0) {
      broken("mail is still counted at a gate of shard %u", i);
    }
    if (unplaced_[i] != 0) broken("a message for shard %u has got no position", i);
  }
}

}  // namespace wsd::sim
