// The faults of a run of EngineSimulation with a cluster.
#include <vector>

#include "engine/room_key.h"
#include "sim/engine/engine_simulation.h"

namespace wsd::sim {

std::size_t EngineSimulation::master_of(std::size_t room) const {
  return cluster_->owner(keys_[room]);
}

// Returns a master that lives, or the number of nodes if there is no other one.
std::size_t EngineSimulation::other_master(std::size_t than) {
  std::vector<std::size_t> masters;
  for (std::size_t i = 0; i < cluster_->size(); ++i) {
    if (i != than && cluster_->is_master(i) && !cluster_->is_dead(i)) masters.push_back(i);
  }
  return masters.empty() ? cluster_->size() : masters[random_.below(masters.size())];
}

void EngineSimulation::cluster_fault() {
  const std::uint64_t what = kind_ == Kind::kSteady ? 0 : random_.below(10);
  if (what < 6) return slot_fault();
  if (what < 8) return hearing_fault();
  master_fault();
}

// A slot begins to migrate, or goes on to.
void EngineSimulation::slot_fault() {
  const std::size_t room = random_.below(rooms_.size());
  const std::uint16_t slot = engine::slot_of_key(keys_[room]);
  if (cluster_->target(slot) == cluster_->size()) {
    const std::size_t to = other_master(master_of(room));
    if (to == cluster_->size()) return;
    // If a slot comes back at once, a message may be refused, because a later one was placed.
    if (kind_ == Kind::kSteady && !moved_.insert(slot).second) return;
    trace_.note("the slot of room %zu migrates to server %zu", room, to);
    cluster_->begin_move(slot, to);
    if (random_.chance(50)) return;
  }
  if (random_.chance(40)) {
    trace_.note("the key of room %zu migrates", room);
    move_keys(room);
  } else {
    end_move(slot);
  }
}

// The keys of messages go with their room: a source that restarts with less data would else lose
// them alone.
void EngineSimulation::move_keys(std::size_t room) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : servers_[master_of(room)]->data()) {
    if (key.starts_with(keys_[room])) keys.push_back(key);
  }
  for (const std::string& each : keys) static_cast<void>(cluster_->move_key(each));
}

void EngineSimulation::end_move(std::uint16_t slot) {
  trace_.note("the slot %u has migrated", unsigned{slot});
  cluster_->end_move(slot);
  ++tally_.moves;
  oracle_.server_changed();
}

// A node does not hear the others for a while, or says that the cluster is down.
void EngineSimulation::hearing_fault() {
  const std::size_t node = random_.below(cluster_->size());
  if (random_.chance(60)) {
    trace_.note("server %zu is deaf", node);
    cluster_->set_deaf(node, true);
    if (random_.chance(30)) cluster_->notice(node);
  } else {
    trace_.note("server %zu says that the cluster is down", node);
    cluster_->set_state(node, false);
  }
  faulty_until_ms_ = now_ms_ + random_.below(random_.chance(20) ? 20'000 : 3'000);
}

// A master ends, or is replaced.
void EngineSimulation::master_fault() {
  const std::size_t master = master_of(random_.below(rooms_.size()));
  const std::uint64_t what = random_.below(keeps_all() ? 5 : 8);
  switch (what) {
    case 0:
      trace_.note("server %zu restarts with all data", master);
      return cluster_->restart(master);
    case 1:
    case 2:
      trace_.note("server %zu dies", master);
      cluster_->kill(master);
      if (random_.chance(70)) cluster_->notice(master);
      faulty_until_ms_ = now_ms_ + random_.below(random_.chance(20) ? 20'000 : 3'000);
      return;
    case 3:
    case 4:
      return replace_master(master);
    case 5:
      trace_.note("server %zu restarts with a lost tail", master);
      return cluster_->restart(master, snapshots_[master]);
    case 6:
      trace_.note("server %zu restarts with nothing", master);
      return cluster_->restart(master, {});
    default:
      ++tally_.failovers;
      oracle_.server_changed();
      return lose_master(master);
  }
}

// Its replica takes over without loss, as CLUSTER FAILOVER has it.
void EngineSimulation::replace_master(std::size_t master) {
  const std::size_t replica = cluster_->replica_of(master);
  if (replica == cluster_->size()) return;
  if (cluster_->is_dead(master) || cluster_->is_deaf(master)) return;
  if (cluster_->server(master).is_stopped()) return;
  trace_.note("server %zu takes over from server %zu", replica, master);
  oracle_.server_changed();
  cluster_->fail_over(replica);
}

// The master has died, was stopped, or is deaf, and its replica takes over.
void EngineSimulation::lose_master(std::size_t master) {
  const std::size_t replica = cluster_->replica_of(master);
  if (replica == cluster_->size()) return;
  const std::uint64_t how = random_.below(3);
  const bool loses = random_.chance(50);
  trace_.note("server %zu is lost, kind %lu; server %zu takes over%s", master, how, replica,
              loses ? " with a lost tail" : "");
  if (how == 0) cluster_->kill(master);
  if (how == 1) cluster_->server(master).stop();
  if (how == 2) {
    cluster_->set_deaf(master, true);
    if (random_.chance(50)) cluster_->set_state(master, false);
  }
  cluster_->fail_over(replica, loses ? snapshots_[master] : cluster_->server(master).data());
  if (random_.chance(70)) cluster_->notice(master);
  faulty_until_ms_ = now_ms_ + random_.below(random_.chance(20) ? 20'000 : 3'000);
}

void EngineSimulation::mend_cluster() {
  for (std::size_t i = 0; i < cluster_->size(); ++i) {
    cluster_->set_state(i, true);
    if (cluster_->is_dead(i)) {
      const bool loses = !keeps_all() && random_.chance(30);
      cluster_->restart(i, loses ? snapshots_[i] : cluster_->server(i).data());
    } else if (cluster_->is_deaf(i)) {
      cluster_->set_deaf(i, false);
    }
  }
  // A server that was stopped executes some commands before it hears that it was replaced.
  share_ms_ = now_ms_ + random_.below(300);
}

// All nodes turn for a while, and nothing else happens.
void EngineSimulation::stay(std::uint64_t ms, bool must_be_up) {
  for (const std::uint64_t end = now_ms_ + ms; now_ms_ < end;) {
    for (int i = 0; i < 4; ++i) {
      turns(true);
      serve(true);
    }
    pass(random_.between(20, 200));
    for (const std::unique_ptr<SimNode>& node : nodes_) {
      if (must_be_up && !node->is_up()) {
        broken("a node does not stay at rest:%s", node->state().c_str());
      }
    }
  }
}

// A node that is deaf goes on to tell its old view of the slots. Nobody may believe it.
void EngineSimulation::check_the_deaf() {
  const std::size_t deaf = random_.below(cluster_->size());
  const std::size_t room = random_.below(rooms_.size());
  const std::size_t from = master_of(room);
  const std::size_t to = other_master(from);
  if (from == deaf || to == deaf || to == cluster_->size()) return;
  trace_.note("server %zu is deaf, and room %zu moves to server %zu", deaf, room, to);
  cluster_->set_deaf(deaf, true);
  const std::uint16_t slot = engine::slot_of_key(keys_[room]);
  cluster_->begin_move(slot, to);
  end_move(slot);
  run_until_quiet("while a server is deaf");
  stay(40'000, true);
  cluster_->set_deaf(deaf, false);
}

// A master that says that the cluster is down, or does not answer, makes all nodes unready.
void EngineSimulation::check_the_down() {
  const std::size_t master = other_master(cluster_->size());
  trace_.note("server %zu is down at rest", master);
  const bool dies = random_.chance(50);
  if (dies) {
    cluster_->kill(master);
    if (random_.chance(50)) cluster_->notice(master);
  } else {
    cluster_->set_state(master, false);
  }
  stay(2 * oracle_.settings().engine_timeout_ms + 10'000, false);
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    if (!node->is_down()) broken("%s does not notice that a master is down", node->name().c_str());
  }
  if (dies) {
    cluster_->restart(master);
  } else {
    cluster_->set_state(master, true);
  }
  run_until_quiet("after a master was down");
  check_members();
}

}  // namespace wsd::sim
