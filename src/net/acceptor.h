// One listening socket in one reactor.
#pragma once

#include <cstdint>

#include "base/tick.h"
#include "hub/member.h"
#include "net/address.h"
#include "net/descriptor_limit.h"
#include "net/intake.h"
#include "net/listener.h"
#include "net/reactor_context.h"

namespace wsd::net {

// Accepts connections. If descriptors or memory run out, it pauses instead of spinning, and resumes
// when its timer fires. Reactor thread only.
class Acceptor final : public hub::Scheduled {
 public:
  // Takes ownership of `fd`. `intake` gets the accepted connections.
  Acceptor(ReactorContext& reactor, Intake& intake, int fd, Sharing sharing) noexcept;
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor();

  // Registers the socket with the poller. Returns false if the kernel refuses.
  [[nodiscard]] bool watch(std::uint64_t token) noexcept;
  void on_readiness() noexcept { ready_ = true; }
  // Accepts connections, at most one turn's share.
  void accept_step();
  // Accepts all waiting connections, which the intake must refuse. Must be called last, before the
  // socket is closed. Does nothing for an adopted socket, whose waiting connections belong to the
  // next process that serves it.
  void refuse_waiting();
  // Returns whether a connection may be waiting now.
  [[nodiscard]] bool ready() const noexcept { return ready_ && !paused_; }
  void on_deadline(Tick now) override;

 private:
  void pause();
  void take(int fd, const PeerAddress& peer);

  ReactorContext& reactor_;
  Intake& intake_;
  int fd_;
  DescriptorLimit descriptors_;
  std::uint64_t token_ = 0;
  bool shared_;
  bool outlives_us_;
  bool ready_ = false;
  bool paused_ = false;
  Tick last_complaint_ = 0;
};

}  // namespace wsd::net
