// One listening socket in one reactor.
#pragma once

#include <cstdint>

#include "base/slab.h"
#include "base/tick.h"
#include "hub/member.h"
#include "net/address.h"
#include "net/listener.h"
#include "net/poller.h"
#include "net/reactor_context.h"

namespace wsd::net {

class Connection;

// Reactor thread only. When descriptors or memory run out it pauses instead of spinning, and tries
// again when its timer fires.
class Acceptor final : public hub::Scheduled {
 public:
  // Takes `fd` over. `connections` is where they are made.
  Acceptor(ReactorContext& reactor, Poller& poller, Slab<Connection>& connections, int fd,
           Sharing sharing) noexcept;
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor();

  // False when the kernel refused to watch it.
  [[nodiscard]] bool watch(std::uint64_t token) noexcept;
  void on_readiness() noexcept { ready_ = true; }
  // Accepts at most a turn's share and makes a connection of each.
  void accept_step();
  // Accepts all that waits and answers 503: the last thing that is done before the socket goes. One
  // that outlives this process keeps them for who serves it next.
  void refuse_waiting();
  // Whether there may be more to accept now.
  [[nodiscard]] bool ready() const noexcept { return ready_ && !paused_; }
  void on_deadline(Tick now) override;

 private:
  void pause();
  void take(int fd, const PeerAddress& peer);

  ReactorContext& reactor_;
  Poller& poller_;
  Slab<Connection>& connections_;
  int fd_;
  std::uint64_t token_ = 0;
  bool shared_;
  bool outlives_us_;
  bool refusing_ = false;
  bool ready_ = false;
  bool paused_ = false;
  Tick last_complaint_ = 0;
};

}  // namespace wsd::net
