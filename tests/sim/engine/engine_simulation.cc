#include "sim/engine/engine_simulation.h"

#include <algorithm>
#include <utility>

#include "engine/room_key.h"

namespace wsd::sim {
namespace {

const engine::Endpoint kRedis{"redis", 6379, ""};
constexpr std::uint64_t kUnixUs = 1'795'989'613'000'000;

}  // namespace

EngineSimulation::EngineSimulation(std::uint64_t seed, Trace& trace)
    : random_(seed), trace_(trace), oracle_(trace) {
  plan();
}

EngineSimulation::~EngineSimulation() {
  for (Client& each : clients_) part(each);
  nodes_.clear();
}

void EngineSimulation::plan() {
  const std::uint64_t kind = random_.below(20);
  kind_ = kind < 5    ? Kind::kCalm
          : kind < 8  ? Kind::kSteady
          : kind < 18 ? Kind::kWild
                      : Kind::kWentBack;
  large_ = random_.chance(3);
  fault_percent_ = static_cast<unsigned>(random_.below(20));
  node_plan_.shards = static_cast<std::uint32_t>(random_.between(1, 2));
  node_plan_.max_pending_publishes = static_cast<std::uint32_t>(random_.between(1, 80));
  const std::uint32_t kept[] = {0, 4, 40, 1'000};
  node_plan_.history = {keeps_all() ? 10'000 : kept[random_.below(4)], std::size_t{64} << 20,
                        100'000'000, std::size_t{256} << 20};
  engine::RoomsSettings& rooms = node_plan_.rooms;
  rooms.backlog = keeps_all() || random_.chance(50) ? 10'000 : 8;
  rooms.engine_timeout_ms = random_.chance(50) ? 5'000 : 1'500;
  const bool is_patient = kind_ == Kind::kSteady || random_.chance(50);
  rooms.publish_timeout_ms = is_patient ? 30'000 : 3'000;
  const bool lingers = random_.chance(50);
  rooms.linger_ms = kind_ == Kind::kWentBack ? 1'000'000'000 : lingers ? 10'000 : 300;
  if (kind_ == Kind::kSteady) rooms.engine_timeout_ms = 60'000;
  node_plan_.link.timeout_ms = rooms.engine_timeout_ms;
  node_plan_.link.prefix = rooms.prefix;
  node_plan_.link.client_name = "wsd";
  if (kind_ != Kind::kSteady && random_.chance(30)) {
    node_plan_.memory_percent = static_cast<unsigned>(random_.between(1, 30));
  }
  const bool is_cluster = kind_ != Kind::kWentBack && random_.chance(40);
  oracle_.set({!keeps_all() || is_cluster, rooms.engine_timeout_ms, keeps_all()});
  oracle_.set_now(now_ms_);
  if (keeps_all()) ++tally_.calm;

  const std::uint64_t rooms_count = random_.between(1, is_cluster ? 5 : 3);
  for (std::uint64_t i = 0; i < rooms_count; ++i) {
    rooms_.push_back("room" + std::to_string(i));
    keys_.push_back(engine::room_key(rooms.prefix, rooms_.back()));
  }
  if (is_cluster) {
    engine::FakeCluster::Options options;
    options.masters = random_.between(2, 3);
    options.replicas = kind_ != Kind::kSteady && random_.chance(70);
    options.seed = random_.below(1'000'000'000);
    cluster_ = std::make_unique<engine::FakeCluster>(options);
    ++tally_.clusters;
  }
  plan_servers();
  nodes_.resize(kind_ == Kind::kWentBack ? 1 : random_.between(1, 3));
  for (std::size_t i = 0; i < nodes_.size(); ++i) start_node(i);
  clients_.resize(random_.between(1, 8));
  for (Client& each : clients_) each.room = random_.below(rooms_.size());
}

void EngineSimulation::plan_servers() {
  engine::EngineUrl& url = node_plan_.url;
  if (cluster_ != nullptr) {
    url.kind = engine::EngineUrl::Kind::kCluster;
    node_plan_.link.cluster = true;
    const std::size_t first = random_.below(cluster_->size());
    const std::size_t named = random_.between(1, cluster_->size());
    for (std::size_t i = 0; i < cluster_->size(); ++i) {
      servers_.push_back(&cluster_->server(i));
      if (i < named) url.endpoints.push_back(cluster_->at((first + i) % cluster_->size()));
    }
  } else {
    url.endpoints = {kRedis};
    for (std::unique_ptr<engine::FakeRedis>& each : pair_) {
      engine::FakeRedis::Options options;
      options.seed = random_.next();
      each = std::make_unique<engine::FakeRedis>(options);
      servers_.push_back(each.get());
    }
  }
  skew_us_.resize(servers_.size());
  snapshots_.resize(servers_.size());
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    servers_[i]->faults.pushes_after_reply = random_.chance(50);
    servers_[i]->faults.entries_per_node = random_.chance(50) ? 1 : 5;
    if (i != 0 && random_.chance(30)) skew_us_[i] = random_.below(7'200'000'000);
  }
  set_clocks();
}

engine::FakeRedis& EngineSimulation::server_of(std::size_t room) const {
  return *servers_[cluster_ == nullptr ? current_ : master_of(room)];
}

engine::FakeRedis& EngineSimulation::some_server() {
  return cluster_ == nullptr ? *servers_[current_] : server_of(random_.below(rooms_.size()));
}

void EngineSimulation::listen(engine::FakeNetwork& network) {
  if (cluster_ != nullptr) return cluster_->listen(network);
  network.listen(kRedis, servers_[current_]);
}

void EngineSimulation::start_node(std::size_t index) {
  ++processes_;
  nodes_[index] = std::make_unique<SimNode>(node_plan_, processes_,
                                            "node" + std::to_string(processes_), oracle_);
  for (std::uint32_t i = 0; i < nodes_[index]->shards(); ++i) {
    listen(nodes_[index]->network(i));
    // Its engine learns the time before anything is published.
    nodes_[index]->turn(i, now_ms_, random_, true);
  }
}

// SIGKILL: what the node has sent may still reach the server.
void EngineSimulation::kill_node(std::size_t index) {
  trace_.note("%s is killed", nodes_[index]->name().c_str());
  ++tally_.kills;
  for (Client& each : clients_) {
    if (each.member != nullptr && each.node == index) part(each);
  }
  for (std::uint32_t i = 0; i < nodes_[index]->shards(); ++i) {
    for (const auto& each : nodes_[index]->network(i).lines()) {
      nodes_[index]->network(i).send(*each, random_.chance(50) ? 0 : random_.below(1'000));
      while (random_.chance(70) && nodes_[index]->network(i).serve(*each)) {
      }
      nodes_[index]->network(i).cut(*each, "killed", true);
      nodes_[index]->network(i).serve(*each);
    }
  }
  for (std::size_t i = 0; i < servers_.size(); ++i) oracle_.take_placed(i, *servers_[i], keys_);
  nodes_[index].reset();
  start_node(index);
}

void EngineSimulation::set_clocks() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    servers_[i]->set_time_us(kUnixUs + now_ms_ * 1'000 + skew_us_[i] + now_ms_ * 7 % 1'000);
  }
  oracle_.set_now(now_ms_);
}

void EngineSimulation::pass(std::uint64_t ms) {
  now_ms_ += ms;
  set_clocks();
  if (faulty_until_ms_ != 0 && now_ms_ >= faulty_until_ms_) end_fault_of_time();
  if (cluster_ == nullptr) return;
  if (share_ms_ != 0 && now_ms_ >= share_ms_) {
    share_ms_ = 0;
    cluster_->share();
  }
}

void EngineSimulation::turns(bool gently) {
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    for (std::uint32_t i = 0; i < node->shards(); ++i) {
      if (gently || random_.chance(85)) node->turn(i, now_ms_, random_, gently);
    }
  }
}

void EngineSimulation::serve(bool gently) {
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    for (std::uint32_t i = 0; i < node->shards(); ++i) {
      for (const auto& each : node->network(i).lines()) {
        if (!gently && random_.chance(15)) continue;
        const std::size_t most =
            gently || random_.chance(70) ? 16'384 : random_.between(1, most_served_);
        while (node->network(i).serve(*each, most) && gently) {
        }
      }
    }
  }
  for (std::size_t i = 0; i < servers_.size(); ++i) oracle_.take_placed(i, *servers_[i], keys_);
}

// Connections that have ended, and joins that were refused.
void EngineSimulation::tend_clients() {
  for (Client& each : clients_) {
    if (each.member != nullptr && (each.member->closed || each.member->refused)) part(each);
  }
}

void EngineSimulation::join(Client& client) {
  client.node = random_.below(nodes_.size());
  client.shard = static_cast<std::uint32_t>(random_.below(nodes_[client.node]->shards()));
  SimNode& node = *nodes_[client.node];
  if (node.is_stalled(client.shard, now_ms_)) return;
  Since since;
  Position after;
  if (client.last.epoch != 0 && random_.chance(90)) {
    after = client.last;
    since = Since::after(after);
  } else if (random_.chance(50)) {
    since = Since::last(static_cast<std::uint32_t>(random_.below(10)));
  }
  client.member = std::make_unique<SimMember>(RoomView(
      oracle_, client.room,
      "client" + std::to_string(&client - clients_.data()) + "." + std::to_string(++names_),
      after));
  trace_.note("client%zu.%zu joins room %zu at %s.%u after %s",
              static_cast<std::size_t>(&client - clients_.data()), names_, client.room,
              node.name().c_str(), client.shard, position_text(after).c_str());
  static_cast<void>(node.shard(client.shard).add(*client.member));
  static_cast<void>(node.shard(client.shard).join(*client.member, rooms_[client.room], since));
}

// The connection ends. The client remembers where it was.
void EngineSimulation::part(Client& client) {
  if (client.member == nullptr) return;
  if (client.member->view.knows_last()) client.last = client.member->view.last();
  nodes_[client.node]->shard(client.shard).remove(*client.member);
  client.member.reset();
}

void EngineSimulation::client_event() {
  Client& client = clients_[random_.below(clients_.size())];
  if (client.member == nullptr) {
    join(client);
  } else if (!nodes_[client.node]->is_stalled(client.shard, now_ms_)) {
    part(client);
    if (random_.chance(70)) join(client);
  }
}

void EngineSimulation::publish(std::size_t index, std::uint32_t shard, std::size_t room) {
  SimNode& node = *nodes_[index];
  if (!node.may_publish(shard) || node.is_stalled(shard, now_ms_)) return;
  ConnectionId publisher = hub::kNoPublisher;
  for (const Client& each : clients_) {
    if (each.member != nullptr && each.node == index && each.shard == shard && random_.chance(30)) {
      publisher = each.member->id();
    }
  }
  const std::uint64_t number = oracle_.publishes(room, node.publisher(shard));
  const std::size_t bytes = large_ && random_.chance(30) ? 70'000 : random_.below(100);
  trace_.note("%s.%u publishes m%lu to room %zu", node.name().c_str(), shard, number, room);
  node.publish(shard, rooms_[room], number, bytes, random_.chance(80), publisher);
}

void EngineSimulation::publish_event() {
  const std::size_t node = random_.below(nodes_.size());
  const auto shard = static_cast<std::uint32_t>(random_.below(nodes_[node]->shards()));
  const std::size_t room = random_.below(rooms_.size());
  std::uint64_t count = random_.chance(2) ? 80 : random_.chance(20) ? random_.below(9) : 1;
  for (; count != 0; --count) publish(node, shard, room);
}

// A client publishes a message with a key, or repeats one on any node, whether it has got a receipt
// or not. It stops long before the key ends. Servers with different clocks end keys at other times.
void EngineSimulation::keyed_event() {
  constexpr std::uint64_t kRepeatsMs = 200'000;
  const std::size_t index = random_.below(nodes_.size());
  SimNode& node = *nodes_[index];
  const auto shard = static_cast<std::uint32_t>(random_.below(node.shards()));
  const bool skewed = std::ranges::any_of(skew_us_, [](std::uint64_t us) { return us != 0; });
  if (skewed || !node.may_publish(shard) || node.is_stalled(shard, now_ms_)) return;
  std::erase_if(keyed_, [this](const Keyed& each) { return now_ms_ >= each.until_ms; });
  if (keyed_.empty() || random_.chance(30)) {
    const std::size_t room = random_.below(rooms_.size());
    keyed_.push_back(
        {room, oracle_.publishes_once(room), random_.below(100), now_ms_ + kRepeatsMs});
  }
  const Keyed& keyed = keyed_[random_.below(keyed_.size())];
  trace_.note("%s.%u publishes m%lu to room %zu with a key", node.name().c_str(), shard,
              keyed.number, keyed.room);
  node.publish_once(shard, rooms_[keyed.room], keyed.number, keyed.bytes);
}

void EngineSimulation::event() {
  if (random_.chance(fault_percent_)) {
    fault();
  } else if (random_.chance(10)) {
    keyed_event();
  } else if (random_.chance(30)) {
    client_event();
  } else {
    publish_event();
  }
}

EngineTally EngineSimulation::run() {
  const std::uint64_t steps = random_.between(20, 250);
  for (std::uint64_t i = 0; i < steps; ++i) {
    if (random_.chance(60)) event();
    turns(false);
    serve(false);
    tend_clients();
    if (cluster_ != nullptr && random_.chance(2)) {
      for (const std::uint16_t each : cluster_->moving()) end_move(each);
    }
    if (random_.chance(10)) {
      const std::size_t server = cluster_ == nullptr ? current_ : random_.below(servers_.size());
      snapshots_[server] = servers_[server]->data();
    }
    const std::uint64_t ms[] = {0, 1, 5, 20, 200, 1'100};
    pass(random_.chance(80) ? ms[random_.below(4)] : ms[random_.below(6)]);
  }
  settle();
  oracle_.check_at_end();
  for (const engine::FakeRedis* const each : servers_) {
    // Messages between the two would be missed, until a later one shows it.
    if (each->unsubscribed_opens() != 0) broken("a room was opened before it was subscribed");
  }
  tally_.messages = oracle_.message_count();
  tally_.deliveries = oracle_.deliveries;
  tally_.refused = oracle_.refused;
  tally_.unknown = oracle_.unknown;
  tally_.doubled = oracle_.doubled;
  tally_.gaps = oracle_.gaps;
  tally_.hash = trace_.hash();
  return tally_;
}

bool EngineSimulation::is_quiet() {
  for (const std::unique_ptr<SimNode>& node : nodes_) {
    if (!node->is_quiet()) return false;
    for (std::uint32_t i = 0; i < node->shards(); ++i) {
      for (const auto& each : node->network(i).lines()) {
        if (each->has_ended()) continue;
        if (!each->queue.empty() || each->socket == nullptr) return false;
        if (!each->socket->to_client.empty() || !each->socket->to_server.empty()) return false;
      }
    }
  }
  return true;
}

void EngineSimulation::run_until_quiet(const char* what) {
  const std::uint64_t begun = now_ms_;
  unsigned quiet = 0;
  while (quiet < 5) {
    for (int i = 0; i < 3; ++i) {
      turns(true);
      serve(true);
    }
    turns(true);
    tend_clients();
    quiet = is_quiet() ? quiet + 1 : 0;
    pass(quiet != 0 ? 1'000 : random_.between(1, 60));
    if (now_ms_ - begun <= 200'000) continue;
    std::string text;
    for (const std::unique_ptr<SimNode>& node : nodes_) text += node->state();
    broken("the service does not come to rest %s:%s", what, text.c_str());
  }
}

// One shard comes back to the server, command by command, while a last message is published. No
// later message shows what it has missed.
void EngineSimulation::lose_a_link() {
  SimNode& node = *nodes_[random_.below(nodes_.size())];
  const auto shard = static_cast<std::uint32_t>(random_.below(node.shards()));
  trace_.note("a last link of %s.%u is cut", node.name().c_str(), shard);
  node.network(shard).cut_all();
  most_served_ = 60;
  const std::uint64_t steps = random_.between(60, 150);
  const std::uint64_t last = random_.below(steps);
  for (std::uint64_t i = 0; i < steps; ++i) {
    if (i == last) publish_event();
    turns(false);
    serve(false);
    tend_clients();
    pass(random_.below(40));
  }
  most_served_ = 400;
}

// All faults end. Then all nodes must come to rest, and all clients must have everything.
void EngineSimulation::settle() {
  trace_.note("the faults end");
  end_faults();
  run_until_quiet("after the last fault");
  if (cluster_ != nullptr && random_.chance(20)) check_the_deaf();
  if (kind_ == Kind::kCalm && random_.chance(30)) {
    lose_a_link();
    run_until_quiet("after the last link");
  }
  for (Client& each : clients_) {
    if (each.member == nullptr) join(each);
  }
  run_until_quiet("after the last joins");
  // Without a later message, nobody can know of the loss of another node's push, or of a key.
  if (!pushes_are_lost_ && keeps_all()) check_members();
  std::vector<std::uint64_t> last;
  for (std::size_t room = 0; room < rooms_.size(); ++room) {
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      const std::uint64_t number = oracle_.publishes(room, nodes_[node]->publisher(0));
      trace_.note("%s publishes m%lu, the last one", nodes_[node]->name().c_str(), number);
      nodes_[node]->publish(0, rooms_[room], number, 0, true, hub::kNoPublisher);
      last.push_back(number);
    }
  }
  run_until_quiet("after the last messages");
  for (const std::uint64_t each : last) oracle_.check_is_placed(each);
  check_members();
  if (keeps_all()) check_streams();
  if (kind_ == Kind::kSteady && oracle_.unknown != 0) {
    broken("%lu messages have an unknown outcome, though no link has ended", oracle_.unknown);
  }
  if (kind_ == Kind::kSteady && !scripts_are_flushed_ && oracle_.refused != 0) {
    broken("%lu messages were refused, though no server has refused them", oracle_.refused);
  }
  if (cluster_ != nullptr && random_.chance(20)) check_the_down();
}

// All members have everything that their rooms have.
void EngineSimulation::check_members() {
  for (const Client& each : clients_) {
    const engine::FakeData& data = server_of(each.room).data();
    const auto found = data.find(keys_[each.room]);
    if (each.member == nullptr) broken("a client has no connection at rest");
    if (found == data.end()) broken("room %zu has no key at rest", each.room);
    const engine::FakeStreamId& id = found->second.stream.last_id;
    const Position last{id.ms, id.seq};
    if (each.member->view.last() != last) {
      broken("a client of room %zu at %s.%u is at %s at rest, and its room at %s", each.room,
             nodes_[each.node]->name().c_str(), each.shard,
             position_text(each.member->view.last()).c_str(), position_text(last).c_str());
    }
  }
}

// Nothing was trimmed: as many batches as have positions are in the streams.
void EngineSimulation::check_streams() {
  for (std::size_t room = 0; room < rooms_.size(); ++room) {
    std::uint64_t placed = 0;
    for (const engine::FakeRedis* const server : servers_) {
      for (const auto& each : server->placed()) placed += each.key == keys_[room] ? 1 : 0;
    }
    const std::size_t kept = server_of(room).data().at(keys_[room]).stream.size();
    if (kept != placed) {
      broken("room %zu has %zu batches, of %lu that were placed", room, kept, placed);
    }
  }
}

}  // namespace wsd::sim
