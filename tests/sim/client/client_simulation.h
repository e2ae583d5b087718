// One run: a Client and a Server of the library over the simulated kernel, from one seed.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sim/client/conversation.h"
#include "sim/client/network.h"
#include "sim/fiber.h"
#include "sim/kernel.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "wsd/client.h"
#include "wsd/server.h"

namespace wsd::sim {

// Totals over runs.
struct ClientTally {
  std::uint64_t steps = 0;
  std::uint64_t conversations = 0;
  std::uint64_t opened = 0;
  std::uint64_t echoes = 0;
  std::uint64_t disturbed = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t hash = 0;
};

class ClientSimulation {
 public:
  ClientSimulation(std::uint64_t seed, Trace& trace);
  ClientSimulation(const ClientSimulation&) = delete;
  ClientSimulation& operator=(const ClientSimulation&) = delete;
  ~ClientSimulation();

  // Runs to the end. A violated invariant ends the process through broken().
  ClientTally run();

 private:
  // A reactor of either end.
  struct Driven {
    Fiber fiber;
    int epoll = -1;  // of the current sleep
    std::uint64_t until_ms = 0;
    bool interrupted = false;
  };

  void plan();
  void start();
  void drive(std::uint32_t reactors);
  [[nodiscard]] Conversation& conversation_of(const Connection& client);
  void connect();
  void disturb();

  [[nodiscard]] bool is_runnable(const Driven& driven);
  [[nodiscard]] bool work_is_left();
  void step();
  void come_to_rest();
  [[nodiscard]] std::uint64_t next_moment() const;
  void pass_time(std::uint64_t ms);
  void check_rest() const;
  void wait_out();
  void finish();

  Random random_;
  Trace& trace_;
  Kernel kernel_;
  ClientTally tally_;
  ServerOptions server_options_;
  ClientOptions client_options_;
  ConversationPlan plan_;
  std::uint32_t steps_ = 0;
  std::uint32_t most_conversations_ = 0;
  bool disturbs_ = false;
  std::optional<Network> network_;
  std::deque<Conversation> conversations_;  // before the ends, whose handlers use them
  std::deque<Driven> driven_;
  Driven* running_ = nullptr;
  std::optional<Server> server_;
  std::optional<Client> client_;
};

}  // namespace wsd::sim
