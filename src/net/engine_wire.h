// One connection of an engine to its server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wire.h"
#include "net/name_lookup.h"
#include "net/poller.h"

namespace wsd::net {

class EnginePort;

// Reactor thread only. The owner of the wire destroys it, at any time, also in its own calls. The
// port may be gone by then.
class EngineWire final : public engine::Wire {
 public:
  // `token` is the port's for this wire.
  EngineWire(EnginePort& port, engine::WireOwner& owner, std::uint64_t token) noexcept
      : port_(&port), owner_(owner), token_(token) {}
  ~EngineWire() override;

  void send(std::string_view bytes) override;
  [[nodiscard]] std::size_t unsent() const noexcept override { return out_.size() - sent_; }
  void set_reading(bool reading) noexcept override { reading_ = reading; }

  // For the port. Begins to connect. If that fails at once, the next step tells the owner.
  void start(const engine::Endpoint& to);
  void start(std::vector<SocketAddress> addresses);
  void on_readiness(const Readiness& readiness) noexcept;
  // Returns whether step() would do something.
  [[nodiscard]] bool has_work() const noexcept;
  // Goes on with connecting, reads at most kMostPerTurn bytes, and tells the owner. If it throws
  // std::bad_alloc, fail() must be called, if the wire still exists.
  void step();
  // Sends the queued bytes, as far as the kernel takes it. Returns false if the kernel is out of
  // memory, so that it must be tried again later.
  [[nodiscard]] bool flush() noexcept;
  // In the owner's connected(): returns the descriptor, which the caller then owns, and ends the
  // wire. The poller does not watch the descriptor any more. Nothing may have been sent.
  [[nodiscard]] int release() noexcept;
  // Returns the address that the wire connects to, or is connected to.
  [[nodiscard]] const SocketAddress& address() const noexcept {
    return addresses_[(first_ + tried_ - 1) % addresses_.size()];
  }
  // Ends the connection. The next step tells the owner, again if it has thrown std::bad_alloc.
  void fail(const char* why) noexcept;
  // The port ends: the wire is dead from now on, and the owner is not told.
  void detach() noexcept;
  [[nodiscard]] std::uint64_t token() const noexcept { return token_; }
  [[nodiscard]] const std::shared_ptr<NameLookup>& lookup() const noexcept { return lookup_; }

  static constexpr std::size_t kMostPerTurn = std::size_t{1} << 20;

 private:
  enum class State : std::uint8_t {
    kLookingUp,   // `lookup_` is under way
    kConnecting,  // to the address before `next_`
    kOpen,
    kFailed,  // the owner must still learn it
    kEnded,
  };

  void try_next();
  [[nodiscard]] bool try_address(const SocketAddress& address) noexcept;
  void finish_connecting();
  void read_step();
  void end();
  void close() noexcept;

  EnginePort* port_;
  engine::WireOwner& owner_;
  const std::uint64_t token_;
  State state_ = State::kConnecting;
  bool readable_ = false;
  bool writable_ = false;
  bool ended_ = false;  // the peer has ended its direction: no further edge will come
  bool reading_ = true;
  int fd_ = -1;
  std::shared_ptr<NameLookup> lookup_;
  std::vector<SocketAddress> addresses_;
  std::size_t tried_ = 0;  // of the addresses
  std::size_t first_ = 0;  // the address to begin with
  const char* why_ = "";   // constant text, or a part of `lookup_`
  std::string out_;
  std::size_t sent_ = 0;  // bytes of `out_` that the kernel has taken
};

}  // namespace wsd::net
