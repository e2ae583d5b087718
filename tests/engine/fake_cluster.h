// A Redis Cluster in memory: FakeRedis servers that divide the slots. As in Redis, each node has
// its own view of who serves which slot, and learns from the others: the claim with the higher
// config epoch wins. Nothing happens in it but in a call of a test.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_network.h"
#include "engine/fake_redis.h"
#include "engine/fake_slots.h"
#include "engine/wire.h"

namespace wsd::engine {

class FakeCluster {
 public:
  struct Options {
    std::size_t masters = 3;
    bool replicas = false;  // one for each master
    std::uint64_t seed = 1;
    std::string password = {};  // of the user "default" on all nodes; empty: none
  };

  // The masters are the nodes 0 to `masters` - 1, and divide the slots evenly. Then come their
  // replicas in the same order.
  explicit FakeCluster(const Options& options);
  FakeCluster() : FakeCluster(Options{}) {}
  FakeCluster(const FakeCluster&) = delete;
  FakeCluster& operator=(const FakeCluster&) = delete;
  ~FakeCluster();

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] FakeRedis& server(std::size_t node) const noexcept;
  [[nodiscard]] const Endpoint& at(std::size_t node) const noexcept;
  [[nodiscard]] const std::string& id(std::size_t node) const noexcept;
  // Puts all nodes on the network, each at its address.
  void listen(FakeNetwork& network) const;
  void set_time_us(std::uint64_t unix_us) noexcept;
  void advance_ms(std::uint64_t ms) noexcept;

  // Knowledge

  // Returns the node with the best claim to a slot, as a node sees it that hears all others. It may
  // be dead. Returns size() if nobody claims the slot.
  [[nodiscard]] std::size_t owner(std::uint16_t slot) const noexcept;
  [[nodiscard]] std::size_t owner(std::string_view key) const noexcept;
  [[nodiscard]] bool is_master(std::size_t node) const noexcept;
  [[nodiscard]] bool is_dead(std::size_t node) const noexcept;
  [[nodiscard]] bool is_deaf(std::size_t node) const noexcept;
  // Returns where a slot migrates to, or size().
  [[nodiscard]] std::size_t target(std::uint16_t slot) const noexcept;
  // Returns a replica of this master that lives and is not deaf, or size().
  [[nodiscard]] std::size_t replica_of(std::size_t master) const noexcept;

  // Slots that move

  // CLUSTER SETSLOT IMPORTING and MIGRATING. Does nothing if the slot is there, or moves already,
  // or one of the two cannot be reached.
  void begin_move(std::uint16_t slot, std::size_t to);
  // MIGRATE: the key of a slot that migrates goes to the target. Returns whether there was one.
  bool move_key(std::string_view key);
  // Moves the other keys, and gives the slot to the target: CLUSTER SETSLOT NODE at the target, and
  // then at the source. Waits for a later call if one of the two cannot be reached.
  void end_move(std::uint16_t slot);
  // Returns the slots that migrate.
  [[nodiscard]] std::vector<std::uint16_t> moving() const;
  // CLUSTER DELSLOTS at all nodes: nobody serves the slot.
  void take_away(std::uint16_t slot);

  // Failures

  // The process dies: its connections end, and nobody listens.
  void kill(std::size_t node);
  // The others have noticed that a node is dead, stopped or deaf: they flag it `fail`.
  void notice(std::size_t node);
  // It starts again with all data, or with those given. It hears the others at once.
  void restart(std::size_t node) { restart(node, server(node).data()); }
  void restart(std::size_t node, FakeData data);
  // The replica takes over all slots of its master, with the master's data or with others. The old
  // master keeps its view and its clients until it hears of it.
  void fail_over(std::size_t replica);
  void fail_over(std::size_t replica, FakeData data);
  // A deaf node's bus is cut, but not its clients: it neither hears the others nor is heard.
  void set_deaf(std::size_t node, bool deaf);
  // What a node says of cluster_state. With false, it answers CLUSTERDOWN.
  void set_state(std::size_t node, bool ok);
  // All nodes that can hear tell each other their slots. The other methods do so themselves.
  void share();

 private:
  static constexpr std::size_t kSlots = 16'384;
  static constexpr std::uint8_t kNobody = 255;

  // What a node knows of another one, or of itself.
  struct Known {
    std::uint64_t epoch = 0;
    std::uint8_t master = kNobody;  // of a replica
    bool failed = false;
  };
  class Node;

  void tell(Node& hearer, const Node& teller);
  void lose(Node& node, std::uint16_t slot);
  static void forget_foreign_keys(Node& node);
  void follow(Node& node, const Node& master, FakeData data);
  [[nodiscard]] bool hears(const Node& node) const noexcept;

  std::vector<std::unique_ptr<Node>> nodes_;
  std::uint64_t epoch_;  // the highest config epoch
};

}  // namespace wsd::engine
