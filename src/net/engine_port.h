// The connections that a reactor makes: those of its engine to servers, and those of a client until
// they are connected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/engine_driver.h"
#include "engine/wire.h"
#include "hub/member.h"
#include "net/engine_wire.h"
#include "net/poller.h"
#include "net/reactor_context.h"

namespace wsd::net {

// Reactor thread only. The reactor calls the methods of a turn in their order.
//
// If a call of the engine throws std::bad_alloc, the wire that caused the call ends, and the rest
// goes on.
class EnginePort final : public engine::Network {
 public:
  // Both outlive the port. `wake_fd` is the reactor's eventfd.
  EnginePort(ReactorContext& reactor, int wake_fd) noexcept
      : reactor_(reactor), wake_fd_(wake_fd), timer_(*this) {}
  EnginePort(const EnginePort&) = delete;
  EnginePort& operator=(const EnginePort&) = delete;
  // Ends all connections. Their owners are not told.
  ~EnginePort();

  // Sets the engine that uses this network, before the first turn. It must outlive the last turn.
  void set_driver(engine::EngineDriver* driver) noexcept { driver_ = driver; }
  [[nodiscard]] std::unique_ptr<engine::Wire> connect(const engine::Endpoint& to,
                                                      engine::WireOwner& owner) override;
  // The same for a connection whose descriptor the owner may take: see EngineWire::release().
  [[nodiscard]] std::unique_ptr<EngineWire> dial(const engine::Endpoint& to,
                                                 engine::WireOwner& owner);
  // Begins to connect to the first of these addresses that answers. There must be one. The same
  // rules as for the function above apply.
  [[nodiscard]] std::unique_ptr<engine::Wire> connect(std::vector<SocketAddress> addresses,
                                                      engine::WireOwner& owner);

  // Returns whether the poller's token is of a wire.
  [[nodiscard]] static bool is_token(std::uint64_t token) noexcept {
    return (token & kWireToken) != 0;
  }
  void on_readiness(const Readiness& readiness) noexcept;
  // The time in milliseconds of the clock of deadlines. Call it before anything that may call the
  // engine in this turn.
  void begin_turn(std::uint64_t now_ms) noexcept;
  // Connects and reads, and tells the owners of the wires.
  void input_step();
  // Sends the bytes that the turn has queued, and arms the engine's timer.
  void end_turn() noexcept;
  // Returns whether the next turn has work that no event announces.
  [[nodiscard]] bool has_work() const noexcept;

  // For EngineWire.
  [[nodiscard]] bool watch(int fd, std::uint64_t token) noexcept {
    return reactor_.poller.add(fd, token);
  }
  void unwatch(int fd) noexcept { reactor_.poller.remove(fd); }
  void close(int fd) noexcept { reactor_.poller.close(fd); }
  void remove(const EngineWire& wire) noexcept;
  // Returns whether the wire that runs its step still exists.
  [[nodiscard]] bool is_current(const EngineWire& wire) const noexcept { return current_ == &wire; }
  [[nodiscard]] MutableBytes buffer() const noexcept { return reactor_.read_span(); }
  // Returns a lookup of the name, which several wires may share.
  [[nodiscard]] std::shared_ptr<NameLookup> look_up(std::string_view host, std::uint16_t port);
  // Tries the rest of this turn's work one tick later: the kernel is out of memory.
  void retry_later() noexcept { retry_ = true; }
  // Of the addresses of a name, connecting begins with this one, modulo their number. So an address
  // that does not answer keeps the others from being tried only once.
  [[nodiscard]] std::size_t first_address() const noexcept { return first_address_; }
  void begin_with_next_address() noexcept { ++first_address_; }

 private:
  // The tokens of wires are odd, as all are that are not of connections, and have this bit.
  static constexpr std::uint64_t kWireToken = std::uint64_t{1} << 63;

  // Fires at the engine's deadline.
  class EngineTimer final : public hub::Scheduled {
   public:
    explicit EngineTimer(EnginePort& port) noexcept : port_(port) {}
    void on_deadline(Tick now) override;

   private:
    EnginePort& port_;
  };

  [[nodiscard]] std::unique_ptr<EngineWire> make_wire(engine::WireOwner& owner);
  void arm_timer() noexcept;

  ReactorContext& reactor_;
  const int wake_fd_;
  engine::EngineDriver* driver_ = nullptr;
  std::vector<EngineWire*> wires_;  // null: was destroyed in this step
  std::vector<std::weak_ptr<NameLookup>> lookups_;
  EngineWire* current_ = nullptr;
  bool stepping_ = false;
  bool retry_ = false;
  std::uint64_t next_number_ = 0;
  std::size_t first_address_ = 0;
  std::uint64_t now_ms_ = 0;
  EngineTimer timer_;
};

}  // namespace wsd::net
