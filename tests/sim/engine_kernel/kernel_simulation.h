// One run: one to three nodes over the simulated kernel, a Redis in memory and some clients, from
// one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_redis.h"
#include "sim/engine/engine_oracle.h"
#include "sim/engine_kernel/far_side.h"
#include "sim/engine_kernel/kernel_node.h"
#include "sim/engine_kernel/room_client.h"
#include "sim/kernel.h"
#include "sim/random.h"
#include "sim/trace.h"

namespace wsd::sim {

// Totals over runs.
struct KernelTally {
  std::uint64_t steps = 0;
  std::uint64_t messages = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t refused = 0;
  std::uint64_t unknown = 0;
  std::uint64_t gaps = 0;
  std::uint64_t faults = 0;
  std::uint64_t failed_allocations = 0;
  std::uint64_t echoes = 0;  // connections of EchoWire
  std::uint64_t calm = 0;    // runs in which no gap may be told
  std::uint64_t hash = 0;
};

class KernelSimulation {
 public:
  KernelSimulation(std::uint64_t seed, Trace& trace);
  KernelSimulation(const KernelSimulation&) = delete;
  KernelSimulation& operator=(const KernelSimulation&) = delete;
  ~KernelSimulation();

  // Runs to the end. A violated invariant ends the process through broken().
  KernelTally run();

 private:
  struct Driven {
    FiberReactor* reactor = nullptr;
    KernelNode* node = nullptr;
  };

  void plan();
  void start_node(std::size_t index);
  void stop_node(std::size_t index);

  // Steps
  [[nodiscard]] bool is_runnable(const FiberReactor& reactor, const KernelNode& node);
  [[nodiscard]] std::vector<Driven> runnable();
  void run_reactor(const Driven& driven);
  void check_spin(const FiberReactor& reactor, bool idle);
  void check_wires();
  void note_silence(std::uint64_t until_ms) noexcept;
  void check_report(std::string_view event, std::string_view text);
  [[nodiscard]] bool work_is_left();
  void step();
  void come_to_rest();
  [[nodiscard]] std::uint64_t next_moment();
  void pass_time(std::uint64_t ms);
  void take_placed();

  // What happens (kernel_events.cc)
  void event();
  void client_event();
  void publish_event();
  void fault();
  void calm_fault();
  void machine_fault();
  void redis_fault();
  void wild_fault();
  void end_due_faults();
  void end_faults();

  // The end
  void settle();
  void run_until_quiet(const char* what);
  [[nodiscard]] bool is_quiet();
  void connect_all();
  void publish_last();
  void check_members();
  void take_down();

  Random random_;
  Trace& trace_;
  Kernel kernel_;
  EngineOracle oracle_;
  KernelTally tally_;
  KernelNodePlan plan_;
  std::vector<std::string> rooms_;
  std::vector<std::string> keys_;
  std::unique_ptr<engine::FakeRedis> redis_;
  engine::FakeData snapshot_;
  std::unique_ptr<FarSide> far_;
  std::vector<std::unique_ptr<KernelNode>> nodes_;
  std::deque<RoomClient> clients_;
  FiberReactor* running_ = nullptr;
  std::uint32_t processes_ = 0;
  std::uint64_t failed_before_ = 0;
  unsigned fault_percent_ = 0;
  unsigned allocation_percent_ = 0;  // of the turns in which allocations fail
  bool wild_ = false;                // the server may lose what it had
  bool wires_ = false;
  Faults usual_;  // of the kernel, outside of outages
  // Until when these faults last; 0: there are none.
  std::uint64_t redis_until_ms_ = 0;
  std::uint64_t machine_until_ms_ = 0;
  // By then, the nodes must have recovered from what the machine has lacked.
  std::uint64_t recovered_ms_ = 0;
  // By then, the server has been silent for a reason.
  std::uint64_t silent_until_ms_ = 0;
  struct Idle {
    std::uint64_t at_ms = 0;
    unsigned turns = 0;
  };
  std::map<const FiberReactor*, Idle> idle_;
};

}  // namespace wsd::sim
