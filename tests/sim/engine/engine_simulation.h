// One run: several nodes, two servers of Redis and some clients, from one seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
  std::uint64_t calm = 0;  // runs in which no gap may be told
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
    kCalm,      // the server loses nothing: no gap may be told
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
  void join(Client& client);
  void part(Client& client);
  void publish(std::size_t node, std::uint32_t shard, std::size_t room);
  void fault();
  void calm_fault();
  void steady_fault();
  void wild_fault();
  void link_fault();
  void refusal_fault();
  void fail_over();
  void go_back();
  void end_faults();
  void end_fault_of_time();
  void point_to(std::size_t server);

  void lose_a_link();
  void settle();
  void run_until_quiet(const char* what);
  void check_members();
  void check_streams();

  [[nodiscard]] engine::FakeRedis& server() noexcept { return *servers_[current_]; }

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

  std::array<std::unique_ptr<engine::FakeRedis>, 2> servers_;
  std::array<std::uint64_t, 2> skew_us_{};
  std::size_t current_ = 0;
  engine::FakeData snapshot_;  // of the current server at some time
  bool pushes_are_lost_ = false;
  std::uint64_t most_served_ = 400;  // bytes at a time, now and then
  bool replaced_ = false;            // the other server was the current one
  // Faults of time: until when.
  std::uint64_t faulty_until_ms_ = 0;

  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::uint32_t processes_ = 0;
  std::vector<Client> clients_;
  std::size_t names_ = 0;
};

}  // namespace wsd::sim
