// One node of the service: a hub and its reactors, on fibers and over the simulated kernel, with
// their engines.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "net/application.h"
#include "net/listener.h"
#include "server/redis_setup.h"
#include "sim/engine/engine_oracle.h"
#include "sim/engine_kernel/echo_wire.h"
#include "sim/fiber_reactor.h"
#include "sim/random.h"

namespace wsd::sim {

struct KernelNodePlan {
  std::uint32_t reactors = 1;
  hub::Shard::Options hub;
  net::ReactorSettings settings;
  ServerOptions options;  // of the engine
  // Gets the events of all engines.
  std::function<void(std::string_view event, std::string_view text)> report;
};

// Publishes each text message of a client to the client's room. A client joins by the path of its
// request: "/ROOM", "/ROOM/after/POSITION" or "/ROOM/last/COUNT".
class KernelNode final : public net::Application {
 public:
  // The references must outlive the node. `process` is another number for each node that is made.
  KernelNode(const KernelNodePlan& plan, std::uint32_t process, Random& random, FarSide& far,
             EngineOracle& oracle);
  KernelNode(const KernelNode&) = delete;
  KernelNode& operator=(const KernelNode&) = delete;
  // The reactors have ended, or were never started.
  ~KernelNode();

  [[nodiscard]] std::deque<FiberReactor>& reactors() noexcept { return reactors_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] hub::Hub& hub() noexcept { return *hub_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // The name of its one thread outside of the reactors, as a publisher.
  [[nodiscard]] std::uint64_t publisher() const noexcept { return process_; }

  // A thread that is not a reactor publishes, with a receipt. Returns false if the hub refuses it.
  [[nodiscard]] bool publish(const std::string& room, std::uint64_t number, std::size_t bytes);
  // Lets a wire of its own act on one of the reactors.
  void poke_wire(std::uint32_t reactor);
  void stop() { hub_->command(net::Reactor::kStop); }
  [[nodiscard]] bool ended() const;
  // Until then, its reactors get no time.
  std::uint64_t stalled_until_ms = 0;

  [[nodiscard]] bool is_quiet() const;
  void calm_wires() noexcept;
  // Nothing is under way: no wire waits for anything.
  void check_wires() const;
  // Nor does the engine: no message was lost in silence.
  void check_at_rest() const;
  [[nodiscard]] std::string state() const;

  // net::Application
  net::RequestResult on_request(net::Connection& connection,
                                const protocol::HttpRequest& request) override;
  void on_open(net::Connection& connection) override;
  void on_message(net::Connection& connection, const Message& message) override;
  void on_close(net::Connection& connection, const CloseInfo& info) override;
  void on_end(const net::EndRecord& record) override;
  void on_warning(const char* event, const std::string& text) override;

 private:
  class Receipt;
  class Poke;

  void heed(hub::PublishOutcome outcome);

  const std::uint32_t process_;
  const std::string name_;
  const KernelNodePlan& plan_;
  EngineOracle& oracle_;
  std::set<std::uint64_t> unanswered_;                     // messages with a receipt
  std::map<ConnectionId, std::uint64_t> without_receipt_;  // the last one of a connection
  net::ProcessCounters counts_;
  std::deque<FiberReactor> reactors_;
  std::unique_ptr<server::RedisSetup> redis_;
  std::unique_ptr<hub::Hub> hub_;
  net::Listener listener_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<EchoWire>> wires_;  // by reactor
};

}  // namespace wsd::sim
