// One run: several nodes, two servers of Redis or a cluster, and some clients, from one seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/fake_cluster.h"
#include "engine/fake_redis.h"
#include "sim/engine/engine_node.h"
#include "sim/engine/engine_oracle.h"
#include "sim/random.h"
#include "sim/trace.h"

namespace wsd::sim {

// Totals over runs.
struct EngineTally {
  std::uint64_t messages = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t refused = 0;
  std::uint64_t unknown = 0;
  std::uint64_t doubled = 0;
  std::uint64_t gaps = 0;
  std::uint64_t faults = 0;
  std::uint64_t kills = 0;
  std::uint64_t failovers = 0;
  std::uint64_t calm = 0;  // runs in which nothing may be lost
  std::uint64_t clusters = 0;
  std::uint64_t moves = 0;  // of slots
  std::uint64_t hash = 0;
};

class EngineSimulation {
 public:
  EngineSimulation(std::uint64_t seed, Trace& trace);
  EngineSimulation(const EngineSimulation&) = delete;
  EngineSimulation& operator=(const EngineSimulation&) = delete;
  ~EngineSimulation();

  // Runs to the end. A violated invariant ends the process through broken().
  EngineTally run();

 private:
  // Which faults a run has.
  enum class Kind : std::uint8_t {
    kCalm,      // the servers lose nothing: no message may be missing or stand twice
    kSteady,    // the same, and no link ends: no outcome may be unknown
    kWild,      // everything
    kWentBack,  // one node, and a server that goes back in time under the same name
  };
  struct Client {
    std::size_t room = 0;
    std::size_t node = 0;
    std::uint32_t shard = 0;
    std::unique_ptr<SimMember> member;
    Position last;  // where it resumes
  };

  void plan();
  void start_node(std::size_t index);
  void kill_node(std::size_t index);

  // Time and bytes
  void pass(std::uint64_t ms);
  void turns(bool gently);
  void serve(bool gently);
  void set_clocks();
  void tend_clients();
  [[nodiscard]] bool is_quiet();

  // What happens
  void event();
  void client_event();
  void publish_event();
  void keyed_event();
  void join(Client& client);
  void part(Client& client);
  void publish(std::size_t node, std::uint32_t shard, std::size_t room);
  void fault();
  void calm_fault();
  void steady_fault();
  void wild_fault();
  void server_fault();
  void link_fault();
  void refusal_fault();
  void fail_over();
  void go_back();
  void end_faults();
  void end_fault_of_time();
  void point_to(std::size_t server);
  void listen(engine::FakeNetwork& network);
  void plan_servers();
  // Nothing may be lost.
  [[nodiscard]] bool keeps_all() const noexcept {
    return kind_ == Kind::kCalm || kind_ == Kind::kSteady;
  }

  // A cluster (engine_cluster_faults.cc)
  void cluster_fault();
  void slot_fault();
  void hearing_fault();
  void master_fault();
  void replace_master(std::size_t master);
  void lose_master(std::size_t master);
  void move_keys(std::size_t room);
  void end_move(std::uint16_t slot);
  void mend_cluster();
  void check_the_deaf();
  void check_the_down();
  void stay(std::uint64_t ms, bool must_be_up);
  [[nodiscard]] std::size_t master_of(std::size_t room) const;
  [[nodiscard]] std::size_t other_master(std::size_t than);
  [[nodiscard]] const engine::Endpoint& some_endpoint();

  void lose_a_link();
  void settle();
  void run_until_quiet(const char* what);
  void check_members();
  void check_streams();

  // The server that orders a room.
  [[nodiscard]] engine::FakeRedis& server_of(std::size_t room) const;
  // The server that a fault meets: of a cluster, the master of some room.
  [[nodiscard]] engine::FakeRedis& some_server();

  Random random_;
  Trace& trace_;
  EngineOracle oracle_;
  EngineTally tally_;
  Kind kind_ = Kind::kCalm;
  NodePlan node_plan_;
  std::uint64_t now_ms_ = 1'000'000;
  unsigned fault_percent_ = 0;
  bool large_ = false;  // some messages are larger than a batch
  std::vector<std::string> rooms_;
  std::vector<std::string> keys_;

  std::unique_ptr<engine::FakeCluster> cluster_;  // nullptr: one of two servers is the current one
  std::array<std::unique_ptr<engine::FakeRedis>, 2> pair_;
  std::vector<engine::FakeRedis*> servers_;  // of the cluster or of the pair
  std::vector<std::uint64_t> skew_us_;       // by server
  std::vector<engine::FakeData> snapshots_;  // by server: its data at some time
  std::size_t current_ = 0;                  // of the pair
  bool scripts_are_flushed_ = false;
  std::set<std::uint16_t> moved_;  // slots, in a run without refusals
  bool pushes_are_lost_ = false;
  std::uint64_t most_served_ = 400;  // bytes at a time, now and then
  bool replaced_ = false;            // the other server was the current one
  // Faults of time: until when.
  std::uint64_t faulty_until_ms_ = 0;
  std::uint64_t share_ms_ = 0;  // when the nodes of the cluster hear each other

  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::uint32_t processes_ = 0;
  std::vector<Client> clients_;
  // Messages with keys, which may be published again.
  struct Keyed {
    std::size_t room = 0;
    std::uint64_t number = 0;
    std::size_t bytes = 0;
    std::uint64_t until_ms = 0;
  };
  std::vector<Keyed> keyed_;
  std::size_t names_ = 0;
};

}  // namespace wsd::sim
