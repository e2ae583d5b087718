// Runs a real Redis Cluster on 127.0.0.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/redis_process.h"
#include "support/tools.h"

namespace e2e {

struct ClusterOptions {
  std::size_t masters = 3;
  bool replicas = false;  // one for each master
  bool append_only = false;
  int node_timeout_ms = 3'000;  // with replicas: a master that does not run for so long is replaced
};

// Servers with docs/deploy/redis-cluster.conf and this node timeout. The masters are
// the servers 0 to `masters` - 1, and divide the slots evenly. Then come their replicas in the same
// order. The constructor returns when all nodes say that the cluster is well.
class RedisCluster {
 public:
  explicit RedisCluster(ClusterOptions options = {});
  RedisCluster(const RedisCluster&) = delete;
  RedisCluster& operator=(const RedisCluster&) = delete;

  [[nodiscard]] RedisProcess& operator[](std::size_t server) const { return *servers_[server]; }
  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  // The URL for --engine, with all masters.
  [[nodiscard]] std::string url() const;

  // The slot of a room with the prefix wsd1:.
  [[nodiscard]] std::uint16_t slot_of(const std::string& room) const;
  // Returns which server has the slot of a room, as it says itself. A server that is dead or
  // suspended is not asked. Returns size() if none has it.
  [[nodiscard]] std::size_t owner_of(const std::string& room) const;
  // Returns the name of a room that this server has. Different numbers give different rooms. The
  // test fails if it has no slots.
  [[nodiscard]] std::string room_of(std::size_t server, int number = 0) const;

  // Moves the slot of a room as redis-cli does it, while clients use it.
  void move(const std::string& room, std::size_t to);
  // The two halves of move(). In between, the keys of the slot are at the target.
  void begin_move(const std::string& room, std::size_t to);
  void end_move(const std::string& room, std::size_t to);

  // Waits until all servers that live say that the cluster is well, as `nodes` nodes.
  [[nodiscard]] bool agrees() const;

  // Must be called for a server that is killed or suspended, and when it is back.
  void leave_out(std::size_t server, bool out) { out_[server] = out; }

 private:
  void make();
  void move_keys(std::uint16_t slot, std::size_t from, std::size_t to) const;
  void set_slot(std::size_t server, std::uint16_t slot, const std::string& state,
                std::size_t node) const;

  TemporaryDirectory directory_;
  ClusterOptions options_;
  std::vector<std::unique_ptr<RedisProcess>> servers_;
  std::vector<std::string> ids_;
  std::vector<bool> out_;
};

}  // namespace e2e
