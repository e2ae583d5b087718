#include "engine/fake_cluster.h"

#include <algorithm>
#include <utility>

#include "engine/room_key.h"
#include "sim/random.h"

namespace wsd::engine {

class FakeCluster::Node final : public FakeSlots {
 public:
  Node(const FakeCluster& of, std::size_t number, const FakeRedis::Options& options)
      : cluster(of),
        index(static_cast<std::uint8_t>(number)),
        at{"10.0.1." + std::to_string(number + 1), 6379, ""},
        server(options) {
    owner.fill(kNobody);
    sim::Random random(options.seed);
    for (int i = 0; i < 40; ++i) name += "0123456789abcdef"[random.below(16)];
    server.set_slots(this);
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  // FakeSlots
  [[nodiscard]] FakeReply redirect(std::uint16_t slot, bool is_channel, bool has_key,
                                   bool asking) const override;
  [[nodiscard]] FakeReply nodes() const override;
  [[nodiscard]] FakeReply info() const override;
  [[nodiscard]] FakeReply id() const override { return FakeReply::bulk(name); }

  [[nodiscard]] Known& self() noexcept { return known[index]; }
  [[nodiscard]] const Known& self() const noexcept { return known[index]; }
  [[nodiscard]] bool has_slots() const noexcept {
    return std::ranges::find(owner, index) != owner.end();
  }

  const FakeCluster& cluster;
  const std::uint8_t index;
  const Endpoint at;
  FakeRedis server;
  std::string name;
  bool dead = false;
  bool deaf = false;
  bool state_ok = true;
  // Its view.
  std::array<std::uint8_t, kSlots> owner;
  std::vector<Known> known;
  std::map<std::uint16_t, std::uint8_t> migrating;  // and to which node
  std::map<std::uint16_t, std::uint8_t> importing;  // and from which node

 private:
  [[nodiscard]] std::string line(const Node& node) const;
  [[nodiscard]] std::string slots(const Node& node) const;
};

FakeReply FakeCluster::Node::redirect(std::uint16_t slot, bool is_channel, bool has_key,
                                      bool asking) const {
  const auto to = [this, slot](std::string_view code, std::uint8_t node) {
    return FakeReply::error(std::string(code) + ' ' + std::to_string(slot) + ' ' +
                            cluster.nodes_[node]->at.text());
  };
  const std::uint8_t served_by = owner[slot];
  if (served_by == kNobody) return FakeReply::error("CLUSTERDOWN Hash slot not served");
  if (!state_ok && !is_channel) return FakeReply::error("CLUSTERDOWN The cluster is down");
  if (served_by != index) {
    return asking && importing.contains(slot) ? FakeReply{} : to("MOVED", served_by);
  }
  const auto target = migrating.find(slot);
  if (target == migrating.end() || is_channel || has_key) return {};
  return to("ASK", target->second);
}

std::string FakeCluster::Node::slots(const Node& node) const {
  std::string text;
  for (std::size_t slot = 0; slot < kSlots;) {
    std::size_t end = slot + 1;
    while (end < kSlots && owner[end] == owner[slot]) ++end;
    if (owner[slot] == node.index) {
      text += ' ' + std::to_string(slot);
      if (end - slot != 1) text += '-' + std::to_string(end - 1);
    }
    slot = end;
  }
  if (&node != this) return text;
  for (const auto& [slot, to] : migrating) {
    text += " [" + std::to_string(slot) + "->-" + cluster.nodes_[to]->name + ']';
  }
  for (const auto& [slot, from] : importing) {
    text += " [" + std::to_string(slot) + "-<-" + cluster.nodes_[from]->name + ']';
  }
  return text;
}

std::string FakeCluster::Node::line(const Node& node) const {
  const Known& what = known[node.index];
  const bool is_replica = what.master != kNobody;
  return node.name + ' ' + node.at.text() + "@16379 " + (&node == this ? "myself," : "") +
         (is_replica ? "slave" : "master") + (what.failed ? ",fail" : "") + ' ' +
         (is_replica ? cluster.nodes_[what.master]->name : "-") + " 0 0 " +
         std::to_string(is_replica ? known[what.master].epoch : what.epoch) +
         (what.failed ? " disconnected" : " connected") + slots(node) + '\n';
}

FakeReply FakeCluster::Node::nodes() const {
  std::string text;
  for (const std::unique_ptr<Node>& each : cluster.nodes_) text += line(*each);
  return FakeReply::verbatim(text);
}

FakeReply FakeCluster::Node::info() const {
  std::array<std::size_t, 256> slots{};
  for (const std::uint8_t each : owner) ++slots[each];
  std::size_t failed = 0;
  std::size_t masters = 0;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (slots[i] != 0) ++masters;
    if (known[i].failed) failed += slots[i];
  }
  const std::size_t assigned = kSlots - slots[kNobody];
  std::uint64_t highest = 0;
  for (const Known& each : known) highest = std::max(highest, each.epoch);
  const std::uint8_t master = self().master;
  return FakeReply::verbatim(
      "cluster_state:" + std::string(state_ok ? "ok" : "fail") + "\r\ncluster_slots_assigned:" +
      std::to_string(assigned) + "\r\ncluster_slots_ok:" + std::to_string(assigned - failed) +
      "\r\ncluster_slots_pfail:0\r\ncluster_slots_fail:" + std::to_string(failed) +
      "\r\ncluster_known_nodes:" + std::to_string(known.size()) +
      "\r\ncluster_size:" + std::to_string(masters) +
      "\r\ncluster_current_epoch:" + std::to_string(highest) + "\r\ncluster_my_epoch:" +
      std::to_string(master == kNobody ? self().epoch : known[master].epoch) + "\r\n");
}

FakeCluster::FakeCluster(const Options& options) : epoch_(options.masters) {
  const std::size_t count = options.masters * (options.replicas ? 2 : 1);
  for (std::size_t i = 0; i < count; ++i) {
    FakeRedis::Options of_node;
    of_node.seed = options.seed * 1'000 + i;
    of_node.password = options.password;
    of_node.cluster = true;
    nodes_.push_back(std::make_unique<Node>(*this, i, of_node));
  }
  for (const std::unique_ptr<Node>& each : nodes_) {
    each->known.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      Known& known = each->known[i];
      if (i < options.masters) {
        known.epoch = i + 1;
      } else {
        known.master = static_cast<std::uint8_t>(i - options.masters);
      }
    }
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      each->owner[slot] = static_cast<std::uint8_t>(slot * options.masters / kSlots);
    }
  }
  for (std::size_t i = options.masters; i < count; ++i) {
    nodes_[i]->server.follow(nodes_[i - options.masters]->server);
  }
}

FakeCluster::~FakeCluster() = default;

FakeRedis& FakeCluster::server(std::size_t node) const noexcept { return nodes_[node]->server; }
const Endpoint& FakeCluster::at(std::size_t node) const noexcept { return nodes_[node]->at; }
const std::string& FakeCluster::id(std::size_t node) const noexcept { return nodes_[node]->name; }

void FakeCluster::listen(FakeNetwork& network) const {
  for (const std::unique_ptr<Node>& each : nodes_) network.listen(each->at, &each->server);
}

void FakeCluster::set_time_us(std::uint64_t unix_us) noexcept {
  for (const std::unique_ptr<Node>& each : nodes_) each->server.set_time_us(unix_us);
}

void FakeCluster::advance_ms(std::uint64_t ms) noexcept {
  for (const std::unique_ptr<Node>& each : nodes_) each->server.advance_ms(ms);
}

std::size_t FakeCluster::owner(std::uint16_t slot) const noexcept {
  std::size_t best = size();
  for (const std::unique_ptr<Node>& each : nodes_) {
    if (each->owner[slot] != each->index) continue;
    if (best == size() || nodes_[best]->self().epoch < each->self().epoch) best = each->index;
  }
  return best;
}

std::size_t FakeCluster::owner(std::string_view key) const noexcept {
  return owner(slot_of_key(key));
}

bool FakeCluster::is_master(std::size_t node) const noexcept {
  return nodes_[node]->self().master == kNobody;
}
bool FakeCluster::is_dead(std::size_t node) const noexcept { return nodes_[node]->dead; }
bool FakeCluster::is_deaf(std::size_t node) const noexcept { return nodes_[node]->deaf; }

std::size_t FakeCluster::target(std::uint16_t slot) const noexcept {
  const std::size_t from = owner(slot);
  if (from == size()) return from;
  const auto found = nodes_[from]->migrating.find(slot);
  return found == nodes_[from]->migrating.end() ? size() : found->second;
}

std::size_t FakeCluster::replica_of(std::size_t master) const noexcept {
  const auto found = std::ranges::find_if(nodes_, [this, master](const auto& each) {
    return each->self().master == master && hears(*each);
  });
  return static_cast<std::size_t>(found - nodes_.begin());
}

void FakeCluster::begin_move(std::uint16_t slot, std::size_t to) {
  share();
  const std::size_t from = owner(slot);
  if (from == size() || from == to || target(slot) != size()) return;
  if (!hears(*nodes_[from]) || !hears(*nodes_[to]) || !is_master(to)) return;
  nodes_[from]->migrating[slot] = static_cast<std::uint8_t>(to);
  nodes_[to]->importing[slot] = static_cast<std::uint8_t>(from);
}

bool FakeCluster::move_key(std::string_view key) {
  const std::uint16_t slot = slot_of_key(key);
  const std::size_t to = target(slot);
  if (to == size()) return false;
  FakeData& source = server(owner(slot)).data();
  const auto found = source.find(key);
  if (found == source.end()) return false;
  server(to).data().insert(source.extract(found));
  return true;
}

void FakeCluster::end_move(std::uint16_t slot) {
  share();
  const std::size_t to = target(slot);
  if (to == size()) return;
  Node& source = *nodes_[owner(slot)];
  if (!hears(source) || !hears(*nodes_[to])) return;
  if (!is_master(to)) {
    source.migrating.erase(slot);
    return;
  }
  std::vector<std::string> keys;
  for (const auto& [key, value] : source.server.data()) {
    if (slot_of_key(key) == slot) keys.push_back(key);
  }
  for (const std::string& each : keys) move_key(each);
  Node& target = *nodes_[to];
  target.importing.erase(slot);
  target.owner[slot] = target.index;
  target.self().epoch = ++epoch_;
  share();
  if (source.owner[slot] == source.index) lose(source, slot);
  source.owner[slot] = target.index;
}

std::vector<std::uint16_t> FakeCluster::moving() const {
  std::vector<std::uint16_t> slots;
  for (const std::unique_ptr<Node>& each : nodes_) {
    for (const auto& [slot, to] : each->migrating) slots.push_back(slot);
  }
  return slots;
}

void FakeCluster::take_away(std::uint16_t slot) {
  for (const std::unique_ptr<Node>& each : nodes_) {
    if (each->owner[slot] == each->index) lose(*each, slot);
    each->owner[slot] = kNobody;
  }
}

void FakeCluster::kill(std::size_t node) {
  nodes_[node]->dead = true;
  nodes_[node]->server.close_all();
  nodes_[node]->server.set_listening(false);
}

void FakeCluster::notice(std::size_t node) {
  for (const std::unique_ptr<Node>& each : nodes_) {
    if (each->index != node && hears(*each)) each->known[node].failed = true;
  }
}

void FakeCluster::restart(std::size_t node, FakeData data) {
  Node& restarted = *nodes_[node];
  restarted.dead = restarted.deaf = false;
  restarted.state_ok = true;
  restarted.server.restart(std::move(data));
  forget_foreign_keys(restarted);
  restarted.server.set_listening(true);
  if (!is_master(node)) follow(restarted, *nodes_[restarted.self().master], {});
  share();
}

void FakeCluster::fail_over(std::size_t replica) {
  fail_over(replica, server(nodes_[replica]->self().master).data());
}

void FakeCluster::fail_over(std::size_t replica, FakeData data) {
  Node& node = *nodes_[replica];
  const Node& master = *nodes_[node.self().master];
  node.server.follow(master.server, std::move(data));
  node.server.promote();
  node.self() = {++epoch_, kNobody, false};
  for (std::uint8_t& each : node.owner) {
    if (each == master.index) each = node.index;
  }
  // The operator makes the slots under way migrate on.
  node.migrating = master.migrating;
  node.importing = master.importing;
  for (const std::unique_ptr<Node>& each : nodes_) {
    for (auto& [slot, to] : each->migrating) to = to == master.index ? node.index : to;
    for (auto& [slot, from] : each->importing) from = from == master.index ? node.index : from;
  }
  forget_foreign_keys(node);
  share();
}

void FakeCluster::set_deaf(std::size_t node, bool deaf) {
  nodes_[node]->deaf = deaf;
  if (deaf) return;
  nodes_[node]->state_ok = true;
  share();
}

void FakeCluster::set_state(std::size_t node, bool ok) { nodes_[node]->state_ok = ok; }

bool FakeCluster::hears(const Node& node) const noexcept {
  return !node.dead && !node.deaf && !node.server.is_stopped();
}

void FakeCluster::share() {
  // Twice, so that a node that has just lost slots does not claim them.
  for (int i = 0; i < 2; ++i) {
    for (const std::unique_ptr<Node>& teller : nodes_) {
      if (!hears(*teller)) continue;
      for (const std::unique_ptr<Node>& hearer : nodes_) {
        if (hearer != teller && hears(*hearer)) tell(*hearer, *teller);
      }
    }
  }
}

// A node hears which slots another one claims.
void FakeCluster::tell(Node& hearer, const Node& teller) {
  hearer.known[teller.index] = teller.self();
  if (hearer.owner == teller.owner) return;
  if (teller.self().master != kNobody) {
    std::ranges::replace(hearer.owner, teller.index, kNobody);
    return;
  }
  const bool had_slots = hearer.has_slots();
  for (std::size_t i = 0; i < kSlots; ++i) {
    const auto slot = static_cast<std::uint16_t>(i);
    const std::uint8_t before = hearer.owner[slot];
    if (teller.owner[slot] != teller.index || before == teller.index) continue;
    // As from Redis 7.2 on: an owner that no longer claims the slot itself keeps nobody away.
    if (before != kNobody && nodes_[before]->owner[slot] == before &&
        hearer.known[before].epoch >= teller.self().epoch) {
      continue;
    }
    if (before == hearer.index) lose(hearer, slot);
    hearer.owner[slot] = teller.index;
  }
  // A master without slots becomes a replica of the node that took its last one.
  if (had_slots && !hearer.has_slots()) follow(hearer, teller, teller.server.data());
  // The replicas of a master that was replaced follow the new one.
  const std::uint8_t master = hearer.self().master;
  if (master != kNobody && hearer.known[master].master == teller.index) {
    follow(hearer, teller, teller.server.data());
  }
}

// The node no longer serves a slot: subscribers are told, and its keys are deleted.
void FakeCluster::lose(Node& node, std::uint16_t slot) {
  node.migrating.erase(slot);
  node.server.unsubscribe_slot(slot);
  std::erase_if(node.server.data(),
                [slot](const auto& each) { return slot_of_key(each.first) == slot; });
}

// Data of an earlier time may have keys of slots that have moved away since.
void FakeCluster::forget_foreign_keys(Node& node) {
  std::erase_if(node.server.data(), [&node](const auto& each) {
    const std::uint16_t slot = slot_of_key(each.first);
    return node.owner[slot] != node.index && !node.importing.contains(slot);
  });
}

void FakeCluster::follow(Node& node, const Node& master, FakeData data) {
  node.self() = {0, master.index, false};
  node.migrating.clear();
  node.importing.clear();
  node.server.follow(master.server, std::move(data));
}

}  // namespace wsd::engine
