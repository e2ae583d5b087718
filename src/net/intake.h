// Makes connections out of accepted sockets, for one reactor.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/slab.h"
#include "net/address.h"
#include "net/reactor_context.h"

namespace wsd::net {

class Connection;

// Reactor thread only, except for connections().
class Intake {
 public:
  // `connections` owns the connections. Both arguments must outlive the intake.
  Intake(ReactorContext& reactor, Slab<Connection>& connections) noexcept
      : reactor_(reactor), connections_(connections) {}
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // Makes a connection, or ends it at once if a limit or a rule rejects it. Takes ownership of
  // `fd`. If memory runs out, it throws std::bad_alloc and leaves `fd` to the caller.
  void take(int fd, const PeerAddress& peer);
  // The same for a connection that this reactor has accepted from a shared socket. It may hand the
  // connection over to another reactor.
  void take_or_hand_over(int fd, const PeerAddress& peer);

  // Makes a connection in the client's role, which sends `request`. `fd` is connected to `server`.
  // If the reactor drains or has stopped, the connection ends at once. Takes ownership of `fd`. If
  // memory runs out, it throws std::bad_alloc and leaves `fd` to the caller.
  Connection& take_client(int fd, const PeerAddress& server, Bytes request);

  // From now on every new connection gets a 503 response.
  void refuse() noexcept { refusing_ = true; }
  // From now on every new connection is reset at once.
  void stop() noexcept { stopped_ = true; }

  // Returns once whether a connection was replaced by a new one (ReactorSettings::replace_oldest).
  [[nodiscard]] bool take_replaced() noexcept { return std::exchange(replaced_, false); }

  // Returns the number of connections of this reactor. Any thread.
  [[nodiscard]] std::uint64_t connections() const noexcept;

 private:
  [[nodiscard]] bool replace_oldest();

  ReactorContext& reactor_;
  Slab<Connection>& connections_;
  bool refusing_ = false;
  bool stopped_ = false;
  bool replaced_ = false;
};

}  // namespace wsd::net
