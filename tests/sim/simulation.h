// One run: a server of one to three reactors, its peers and its kernel, from one seed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "hub/mail.h"
#include "net/application.h"
#include "net/listener.h"
#include "sim/delaying_log.h"
#include "sim/fiber_reactor.h"
#include "sim/kernel.h"
#include "sim/peer.h"
#include "sim/plan.h"
#include "sim/presence_oracle.h"
#include "sim/pressure.h"
#include "sim/random.h"
#include "sim/room_log.h"
#include "sim/trace.h"

namespace wsd::sim {

// Totals over runs.
struct Tally {
  std::uint64_t steps = 0;
  std::uint64_t connections = 0;
  std::uint64_t messages = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t hash = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(kCloseCauseCount)> causes = {};
};

class Simulation final : public net::Application {
 public:
  Simulation(std::uint64_t seed, Trace& trace);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation();

  // Runs to the end. A violated invariant ends the process through broken().
  Tally run();

  // net::Application
  net::RequestResult on_request(net::Connection& connection,
                                const protocol::HttpRequest& request) override;
  void on_open(net::Connection& connection) override;
  void on_message(net::Connection& connection, const Message& message) override;
  void on_close(net::Connection& connection, const CloseInfo& info) override;
  void on_end(const net::EndRecord& record) override;
  void on_warning(const char* event, const std::string& text) override;

 private:
  struct SimulatedReactor : FiberReactor {
    std::uint64_t idle_turns = 0;      // turns since the last event
    std::uint64_t hoarding_turns = 0;  // that kept the largest queue beyond the limit
    std::uint64_t turned = 0;          // reactors with a turn since the last of these, as bits
  };

  void build();
  void step();
  void let_act(Peer& peer);
  void run_reactor(SimulatedReactor& driven);
  [[nodiscard]] bool work_is_left();
  [[nodiscard]] std::uint64_t next_moment();
  void come_to_rest();
  void pass_time(std::uint64_t ms);
  void jump(std::uint64_t ms);
  void let_drip();
  void outside_call();
  void outage();
  void end_outage();
  void fork_or_end();
  void settle();
  void wait_out();
  void end_one_by_one(std::uint32_t command);
  void finish();
  void take_down();

  void obey(net::Connection& connection, Peer& peer, const Stamp& stamp, const Message& message);
  // deferral.cc
  net::RequestResult defer(net::Connection& connection, net::RequestResult accepted);
  void pause_for_a_while(net::Connection& connection);
  void run_deferred();
  void publish(net::Connection& connection, char room, SharedBytes frame, ConnectionId except);
  void heed(hub::PublishOutcome outcome);
  void join(net::Connection& connection, Peer& peer, char room, std::uint32_t after);
  [[nodiscard]] Peer& peer_of(std::string_view remote);
  [[nodiscard]] Peer* peer_at(int index);

  // invariants.cc
  void check_step(SimulatedReactor& driven);
  void check_queues(SimulatedReactor& driven);
  void check_largest(SimulatedReactor& driven);
  void check_deadlines();
  [[nodiscard]] bool windows_are_open() const;
  void check_windows() const;
  void check_rest();
  void check_end();

  Random random_;
  Trace& trace_;
  Plan plan_;
  Pressure pressure_;
  Kernel kernel_;
  RoomLog log_;
  net::ProcessCounters counts_;
  std::vector<std::unique_ptr<SimulatedReactor>> driven_;
  std::unique_ptr<DelayingLog> history_log_;  // before hub_, whose shards use it
  std::unique_ptr<PresenceOracle> presence_;  // before hub_, too
  std::unique_ptr<hub::Hub> hub_;
  net::Listener listener_;
  std::uint16_t port_ = 0;
  std::deque<Peer> peers_;
  std::map<int, Peer*> peers_by_link_;
  SimulatedReactor* running_ = nullptr;
  std::map<ConnectionId, int> opens_;
  std::map<ConnectionId, int> closes_;
  std::map<ConnectionId, int> ends_;
  std::vector<std::unique_ptr<hub::Mail>> deferred_;  // tasks for connections, not yet posted
  std::uint32_t outside_numbers_ = 0;
  std::uint64_t outage_ends_ms_ = 0;  // 0: no outage
  // time by which the server must have recovered from the last outage
  std::uint64_t recovered_ms_ = 0;
  std::uint64_t last_event_hash_ = 0;
  Tally tally_;
};

}  // namespace wsd::sim
