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
      return server().close_subscribers();
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
      server().faults.lost_pushes += random_.between(1, 2);
      break;
    case 1:
      trace_.note("the server takes the channel of room %zu away", room);
      server().unsubscribe_all(keys_[room]);
      break;
    default:
      trace_.note("SCRIPT FLUSH");
      server().flush_scripts();
      break;
  }
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
      server().stop();
      break;
    case 4:
      trace_.note("nobody listens for %s", node.name().c_str());
      network.cut_all("Connection reset by peer", random_.chance(50));
      network.listen(kRedis, nullptr);
      break;
    default:
      trace_.note("%s cannot reach the server", node.name().c_str());
      network.cut_all("Connection reset by peer", random_.chance(50));
      network.set_unreachable(kRedis, true);
      break;
  }
  faulty_until_ms_ = now_ms_ + random_.below(random_.chance(20) ? 40'000 : 3'000);
}

// The server answers, but it takes no publish.
void EngineSimulation::refusal_fault() {
  engine::FakeFaults& faults = server().faults;
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
    case 9:
      trace_.note("the former server goes on");
      servers_[1 - current_]->go_on();
      // Sentinel makes it a replica, and kills its clients.
      if (replaced_ && random_.chance(50)) {
        servers_[1 - current_]->close_all();
        servers_[1 - current_]->follow(server());
      }
      return;
    case 0:
      trace_.note("the server restarts with all data");
      return server().restart();
    case 1:
      trace_.note("the server restarts with a lost tail");
      return server().restart(snapshot_);
    case 2:
      trace_.note("the server restarts with nothing");
      return server().restart({});
    case 3:
    case 4:
    case 5:
      return fail_over();
    case 6:
      trace_.note("DEL %s", key.c_str());
      server().execute({"DEL", key});
      oracle_.forget_order(room);
      return;
    case 7:
      trace_.note("FLUSHALL");
      server().execute({"FLUSHALL"});
      for (std::size_t i = 0; i < rooms_.size(); ++i) oracle_.forget_order(i);
      return;
    default:
      trace_.note("SET %s", key.c_str());
      server().execute({"SET", key, "another program's"});
      oracle_.forget_order(room);
      faulty_until_ms_ = now_ms_ + random_.below(5'000);
  }
}

// The other server takes over, with all data or with those of an earlier time. The present one has
// died, or it was only stopped and executes later what it has got.
void EngineSimulation::fail_over() {
  ++tally_.failovers;
  oracle_.failed_over();
  engine::FakeRedis& old = server();
  engine::FakeRedis& next = *servers_[1 - current_];
  if (replaced_ && random_.chance(50)) {
    trace_.note("the address returns to the former server");
    if (!next.is_master()) next.promote();
  } else {
    const bool loses = random_.chance(50);
    trace_.note("failover %s", loses ? "with a lost tail" : "without loss");
    next.close_all();
    next.flush_scripts();
    next.follow(old, loses ? snapshot_ : old.data());
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
  snapshot_ = servers_[current_]->data();
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    for (std::uint32_t i = 0; i < node->shards(); ++i) {
      node->network(i).listen(kRedis, servers_[current_].get());
    }
  }
}

// A virtual machine that was restored: the same replication id, and fewer messages. The one node
// has seen everything, so its `open` finds out.
void EngineSimulation::go_back() {
  if (!is_quiet()) return;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->open_rooms() != server().data().size()) return;
  }
  trace_.note("the server goes back in time");
  server().close_all();
  server().flush_scripts();
  server().data() = snapshot_;
}

void EngineSimulation::end_fault_of_time() {
  faulty_until_ms_ = 0;
  trace_.note("the fault ends");
  server().go_on();
  server().faults.out_of_memory = false;
  server().faults.no_replicas = false;
  server().faults.misconf = false;
  server().faults.error_for_all.clear();
  for (const std::string& key : keys_) {
    const auto found = server().data().find(key);
    if (found != server().data().end() && !found->second.is_stream) {
      server().execute({"DEL", key});
    }
  }
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    for (std::uint32_t i = 0; i < node->shards(); ++i) {
      node->network(i).set_unreachable(kRedis, false);
    }
  }
  point_to(current_);
}

void EngineSimulation::end_faults() {
  end_fault_of_time();
  for (const std::unique_ptr<engine::FakeRedis>& each : servers_) {
    each->go_on();
    each->faults.lost_pushes = 0;
  }
  // Whoever is still there moves: the former server is a replica, as Sentinel makes it one.
  servers_[1 - current_]->follow(server());
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    node->end_stalls();
    for (std::uint32_t i = 0; i < node->shards(); ++i) {
      node->network(i).cut_after_sent(engine::FakeNetwork::kAll);
      node->network(i).cut_after_received(engine::FakeNetwork::kAll);
    }
  }
}

}  // namespace wsd::sim
