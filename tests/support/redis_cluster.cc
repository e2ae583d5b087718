#include "support/redis_cluster.h"

#include <gtest/gtest.h>

#include <sstream>

namespace e2e {
namespace {

constexpr std::size_t kSlots = 16'384;

// Returns whether a line of CLUSTER NODES lists the slot.
bool lists(const std::string& line, std::uint16_t slot) {
  std::istringstream words(line);
  std::string word;
  for (int i = 0; i < 8; ++i) words >> word;
  while (words >> word) {
    if (word[0] == '[') continue;
    const std::size_t dash = word.find('-');
    const int first = std::stoi(word);
    const int last = dash == std::string::npos ? first : std::stoi(word.substr(dash + 1));
    if (first <= slot && slot <= last) return true;
  }
  return false;
}

}  // namespace

RedisCluster::RedisCluster(ClusterOptions options) : options_(options) {
  const std::string deployed_file =
      directory_.write("wsd-cluster.conf", deployed("redis-cluster.conf"));
  const std::size_t count = options.masters * (options.replicas ? 2 : 1);
  for (std::size_t i = 0; i < count; ++i) {
    servers_.push_back(std::make_unique<RedisProcess>(
        RedisOptions{.append_only = options.append_only,
                     .cluster = true,
                     .more = {"--include", deployed_file, "--cluster-node-timeout",
                              std::to_string(options.node_timeout_ms)}}));
    ids_.push_back(servers_.back()->command({"CLUSTER", "MYID"}).text);
  }
  out_.resize(count);
  make();
}

void RedisCluster::make() {
  for (std::size_t i = 0; i < options_.masters; ++i) {
    const RedisProcess& server = *servers_[i];
    server.expect_ok({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
    server.expect_ok({"CLUSTER", "ADDSLOTSRANGE", std::to_string(i * kSlots / options_.masters),
                      std::to_string((i + 1) * kSlots / options_.masters - 1)});
  }
  for (std::size_t i = 1; i < size(); ++i) {
    servers_[0]->expect_ok({"CLUSTER", "MEET", "127.0.0.1", std::to_string(servers_[i]->port()),
                            std::to_string(servers_[i]->bus_port())});
  }
  for (std::size_t i = options_.masters; i < size(); ++i) {
    const std::string& master = ids_[i - options_.masters];
    // The replica must have heard of its master first.
    EXPECT_TRUE(eventually([&] {
      return !servers_[i]->command({"CLUSTER", "REPLICATE", master}).is_error();
    })) << "server "
        << i << " does not become a replica: " << servers_[i]->output();
  }
  EXPECT_TRUE(agrees());
  for (std::size_t i = options_.masters; i < size(); ++i) {
    EXPECT_TRUE(eventually([&] {
      return servers_[i]->info("replication", "master_link_status") == "up";
    })) << servers_[i]->output();
  }
}

bool RedisCluster::agrees() const {
  const std::string nodes = "cluster_known_nodes:" + std::to_string(size()) + "\r\n";
  return eventually([&] {
    for (std::size_t i = 0; i < size(); ++i) {
      if (out_[i]) continue;
      const std::string info = servers_[i]->command({"CLUSTER", "INFO"}).text;
      if (info.find("cluster_state:ok\r\n") == std::string::npos) return false;
      if (info.find("cluster_slots_assigned:16384\r\n") == std::string::npos) return false;
      if (info.find(nodes) == std::string::npos) return false;
    }
    return true;
  });
}

std::string RedisCluster::url() const {
  std::string url;
  for (std::size_t i = 0; i < options_.masters; ++i) {
    url += (i == 0 ? "redis+cluster://" : ",") + servers_[i]->address();
  }
  return url;
}

std::uint16_t RedisCluster::slot_of(const std::string& room) const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (out_[i]) continue;
    const RedisReply slot = servers_[i]->command({"CLUSTER", "KEYSLOT", "wsd1:{" + room + "}"});
    return static_cast<std::uint16_t>(slot.number());
  }
  return 0;
}

std::size_t RedisCluster::owner_of(const std::string& room) const {
  const std::uint16_t slot = slot_of(room);
  for (std::size_t i = 0; i < size(); ++i) {
    if (out_[i]) continue;
    std::istringstream lines(servers_[i]->command({"CLUSTER", "NODES"}).text);
    for (std::string line; std::getline(lines, line);) {
      if (line.find("myself,master") != std::string::npos && lists(line, slot)) return i;
    }
  }
  return size();
}

std::string RedisCluster::room_of(std::size_t server, int number) const {
  constexpr int kEnough = 1'000;
  for (int i = 0; i < kEnough; ++i) {
    const std::string room = "r" + std::to_string(i);
    if (owner_of(room) == server && number-- == 0) return room;
  }
  ADD_FAILURE() << "server " << server << " has no rooms";
  return {};
}

void RedisCluster::set_slot(std::size_t server, std::uint16_t slot, const std::string& state,
                            std::size_t node) const {
  servers_[server]->expect_ok({"CLUSTER", "SETSLOT", std::to_string(slot), state, ids_[node]});
}

void RedisCluster::move_keys(std::uint16_t slot, std::size_t from, std::size_t to) const {
  const std::string number = std::to_string(slot);
  EXPECT_TRUE(eventually([&] {
    const RedisReply keys = servers_[from]->command({"CLUSTER", "GETKEYSINSLOT", number, "100"});
    for (const RedisReply& key : keys.items) {
      servers_[from]->command(
          {"MIGRATE", "127.0.0.1", std::to_string(servers_[to]->port()), key.text, "0", "10000"});
    }
    return keys.type == '*' && keys.items.empty();
  })) << "slot "
      << slot << " still has keys";
}

void RedisCluster::begin_move(const std::string& room, std::size_t to) {
  const std::size_t from = owner_of(room);
  ASSERT_LT(from, size());
  ASSERT_NE(from, to);
  const std::uint16_t slot = slot_of(room);
  set_slot(to, slot, "IMPORTING", from);
  set_slot(from, slot, "MIGRATING", to);
  move_keys(slot, from, to);
}

void RedisCluster::end_move(const std::string& room, std::size_t to) {
  const std::uint16_t slot = slot_of(room);
  set_slot(to, slot, "NODE", to);
  for (std::size_t i = 0; i < options_.masters; ++i) {
    if (i != to && !out_[i]) set_slot(i, slot, "NODE", to);
  }
}

void RedisCluster::move(const std::string& room, std::size_t to) {
  begin_move(room, to);
  end_move(room, to);
}

}  // namespace e2e
