// The faults of a run of EngineSimulation.
#include <algorithm>
#include <utility>

#include "sim/engine/engine_simulation.h"

namespace wsd::sim {
namespace {

const engine::Endpoint kRedis{"redis", 6379, ""};

}  // namespace

void EngineSimulation::fault() {
  ++tally_.faults;
  if (cluster_ != nullptr && random_.chance(50)) return cluster_fault();
  if (kind_ == Kind::kSteady) return steady_fault();
  if (kind_ == Kind::kWentBack && random_.chance(40)) return go_back();
  if (kind_ == Kind::kWild && random_.chance(35)) return wild_fault();
  calm_fault();
}

// Faults after which the server still has everything.
void EngineSimulation::calm_fault() {
  const std::size_t index = random_.below(nodes_.size());
  SimNode& node = *nodes_[index];
  const auto shard = static_cast<std::uint32_t>(random_.below(node.shards()));
  switch (random_.below(10)) {
    case 0:
    case 1:
    case 2:
      return link_fault();
    case 3:
    case 4:
      return refusal_fault();
    case 5:
    case 7:
      return steady_fault();
    case 6:
      trace_.note("the server closes its subscribers");
      return some_server().close_subscribers();
    case 8:
      trace_.note("%s.%u stalls", node.name().c_str(), shard);
      return node.stall(shard, now_ms_ + random_.below(random_.chance(20) ? 8'000 : 400));
    default:
      if (kind_ != Kind::kWentBack) kill_node(index);
  }
}

// Faults that end no link.
void EngineSimulation::steady_fault() {
  const std::size_t room = random_.below(rooms_.size());
  switch (random_.below(4)) {
    case 0:
      trace_.note("a push is lost");
      pushes_are_lost_ = true;
      some_server().faults.lost_pushes += random_.between(1, 2);
      break;
    case 1:
      trace_.note("the server takes the channel of room %zu away", room);
      server_of(room).unsubscribe_all(keys_[room]);
      break;
    default:
      trace_.note("SCRIPT FLUSH");
      some_server().flush_scripts();
      scripts_are_flushed_ = true;
      break;
  }
}

const engine::Endpoint& EngineSimulation::some_endpoint() {
  return cluster_ == nullptr ? kRedis : cluster_->at(random_.below(cluster_->size()));
}

void EngineSimulation::link_fault() {
  SimNode& node = *nodes_[random_.below(nodes_.size())];
  engine::FakeNetwork& network =
      node.network(static_cast<std::uint32_t>(random_.below(node.shards())));
  switch (random_.below(6)) {
    case 0:
      trace_.note("a link of %s is cut", node.name().c_str());
      return network.cut_all("Connection reset by peer", random_.chance(50));
    case 1:
      trace_.note("a link of %s is cut soon, as it sends", node.name().c_str());
      return network.cut_after_sent(random_.below(600));
    case 2:
      trace_.note("a link of %s is cut soon, as it receives", node.name().c_str());
      return network.cut_after_received(random_.below(600));
    case 3:
      trace_.note("the server stops");
      some_server().stop();
      break;
    case 4:
      trace_.note("nobody listens for %s", node.name().c_str());
      network.cut_all("Connection reset by peer", random_.chance(50));
      network.listen(some_endpoint(), nullptr);
      break;
    default:
      trace_.note("%s cannot reach the server", node.name().c_str());
      network.cut_all("Connection reset by peer", random_.chance(50));
      network.set_unreachable(some_endpoint(), true);
      break;
  }
  faulty_until_ms_ = now_ms_ + random_.below(random_.chance(20) ? 40'000 : 3'000);
}

// The server answers, but it takes no publish.
void EngineSimulation::refusal_fault() {
  engine::FakeFaults& faults = some_server().faults;
  const std::uint64_t what = random_.below(5);
  trace_.note("the server refuses, kind %lu", what);
  switch (what) {
    case 0:
      faults.out_of_memory = true;
      break;
    case 1:
      faults.no_replicas = true;
      break;
    case 2:
      faults.misconf = true;
      break;
    case 3:
      faults.error_for_all = "LOADING Redis is loading the dataset in memory";
      break;
    default:
      faults.error_for_all = "BUSY Redis is busy running a script.";
      break;
  }
  faulty_until_ms_ = now_ms_ + random_.below(3'000);
}

// Faults by which messages or epochs may be lost.
void EngineSimulation::wild_fault() {
  const std::size_t room = random_.below(keys_.size());
  const std::string& key = keys_[room];
  switch (random_.below(10)) {
    case 0:
      trace_.note("DEL %s", key.c_str());
      server_of(room).execute({"DEL", key});
      return oracle_.deleted(room, server_of(room).replid());
    case 1:
      trace_.note("FLUSHALL");
      for (std::size_t i = 0; i < rooms_.size(); ++i) {
        if (&server_of(i) == &server_of(room)) oracle_.deleted(i, server_of(i).replid());
      }
      server_of(room).execute({"FLUSHALL"});
      return;
    case 2:
      trace_.note("SET %s", key.c_str());
      server_of(room).execute({"SET", key, "another program's"});
      oracle_.deleted(room, server_of(room).replid());
      faulty_until_ms_ = now_ms_ + random_.below(5'000);
      return;
    default:
      return cluster_ == nullptr ? server_fault() : master_fault();
  }
}

// The current server of the pair ends, or is replaced.
void EngineSimulation::server_fault() {
  switch (random_.below(7)) {
    case 0:
      trace_.note("the server restarts with all data");
      return servers_[current_]->restart();
    case 1:
      trace_.note("the server restarts with a lost tail");
      return servers_[current_]->restart(snapshots_[current_]);
    case 2:
      trace_.note("the server restarts with nothing");
      return servers_[current_]->restart({});
    case 3:
      trace_.note("the former server goes on");
      servers_[1 - current_]->go_on();
      // Sentinel makes it a replica, and kills its clients.
      if (replaced_ && random_.chance(50)) {
        servers_[1 - current_]->close_all();
        servers_[1 - current_]->follow(*servers_[current_]);
      }
      return;
    default:
      return fail_over();
  }
}

// The other server takes over, with all data or with those of an earlier time. The present one has
// died, or it was only stopped and executes later what it has got.
void EngineSimulation::fail_over() {
  ++tally_.failovers;
  oracle_.server_changed();
  engine::FakeRedis& old = *servers_[current_];
  engine::FakeRedis& next = *servers_[1 - current_];
  if (replaced_ && random_.chance(50)) {
    trace_.note("the address returns to the former server");
    if (!next.is_master()) next.promote();
  } else {
    const bool loses = random_.chance(50);
    trace_.note("failover %s", loses ? "with a lost tail" : "without loss");
    next.close_all();
    next.flush_scripts();
    next.follow(old, loses ? snapshots_[current_] : old.data());
    next.promote();
  }
  if (random_.chance(30)) {
    old.close_all();
  } else {
    old.stop();
  }
  next.go_on();
  replaced_ = true;
  point_to(1 - current_);
}

void EngineSimulation::point_to(std::size_t server) {
  current_ = server;
  snapshots_[current_] = servers_[current_]->data();
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    for (std::uint32_t i = 0; i < node->shards(); ++i) listen(node->network(i));
  }
}

// A virtual machine that was restored: the same replication id, and fewer messages. The one node
// has seen everything, so its `open` finds out.
void EngineSimulation::go_back() {
  if (!is_quiet()) return;
  const auto rooms = static_cast<std::size_t>(std::ranges::count_if(
      keys_, [this](const std::string& key) { return servers_[current_]->data().contains(key); }));
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->open_rooms() != rooms) return;
  }
  trace_.note("the server goes back in time");
  servers_[current_]->close_all();
  servers_[current_]->flush_scripts();
  servers_[current_]->data() = snapshots_[current_];
}

void EngineSimulation::end_fault_of_time() {
  faulty_until_ms_ = 0;
  trace_.note("the fault ends");
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (cluster_ == nullptr && i != current_) continue;
    engine::FakeRedis& server = *servers_[i];
    server.go_on();
    server.faults.out_of_memory = false;
    server.faults.no_replicas = false;
    server.faults.misconf = false;
    server.faults.error_for_all.clear();
  }
  if (cluster_ != nullptr) mend_cluster();
  // The other program deletes its keys.
  for (engine::FakeRedis* const each : servers_) {
    std::erase_if(each->data(), [this](const auto& key) {
      return !key.second.is_stream && std::ranges::find(keys_, key.first) != keys_.end();
    });
  }
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    for (std::uint32_t i = 0; i < node->shards(); ++i) {
      engine::FakeNetwork& network = node->network(i);
      network.set_unreachable(kRedis, false);
      for (std::size_t each = 0; cluster_ != nullptr && each < servers_.size(); ++each) {
        network.set_unreachable(cluster_->at(each), false);
      }
      listen(network);
    }
  }
}

void EngineSimulation::end_faults() {
  end_fault_of_time();
  if (cluster_ != nullptr) {
    cluster_->share();
    for (const std::uint16_t each : cluster_->moving()) end_move(each);
  }
  for (engine::FakeRedis* const each : servers_) {
    each->go_on();
    each->faults.lost_pushes = 0;
  }
  // Whoever is still there moves: the former server is a replica, as Sentinel makes it one.
  if (cluster_ == nullptr) servers_[1 - current_]->follow(*servers_[current_]);
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    node->end_stalls();
    for (std::uint32_t i = 0; i < node->shards(); ++i) {
      node->network(i).cut_after_sent(engine::FakeNetwork::kAll);
      node->network(i).cut_after_received(engine::FakeNetwork::kAll);
    }
  }
}

}  // namespace wsd::sim
