// An owner of wires that checks what src/engine/wire.h promises of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/wire.h"
#include "net/engine_port.h"
#include "sim/engine_kernel/far_side.h"
#include "sim/random.h"

namespace wsd::sim {

// Connects to the server that sends back, sends, pauses reading, and destroys its wire at any time,
// also in the wire's own calls. It wants back each byte that it has sent, in order.
class EchoWire final : public engine::WireOwner {
 public:
  EchoWire(net::EnginePort& port, Random& random, FarSide& far) noexcept
      : port_(port), random_(random), far_(far) {}
  EchoWire(const EchoWire&) = delete;
  EchoWire& operator=(const EchoWire&) = delete;
  ~EchoWire() = default;

  // Does something, on the thread of the port's reactor. Throws std::bad_alloc.
  void act();
  // From now on it only ends what it has begun.
  void calm_down() noexcept { calm_ = true; }
  // Nothing is under way, and the kernel has memory.
  void check_at_rest() const;

  // engine::WireOwner
  void connected() override;
  void received(std::string_view bytes) override;
  void ended(std::string_view why) override;

 private:
  void connect();
  void send();
  void throw_now_and_then();

  net::EnginePort& port_;
  Random& random_;
  FarSide& far_;
  std::unique_ptr<engine::Wire> wire_;
  bool calm_ = false;
  bool connected_ = false;
  bool ended_ = false;
  bool must_end_ = false;  // its owner has thrown std::bad_alloc
  bool reading_ = true;
  bool hopeless_ = false;     // it leads to a port where nobody listens
  std::uint64_t sent_ = 0;    // bytes
  std::uint64_t got_ = 0;     // bytes
  std::uint64_t offset_ = 0;  // of its bytes from those of other wires
  std::uint64_t offsets_ = 0;
};

}  // namespace wsd::sim
