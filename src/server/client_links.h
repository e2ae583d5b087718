// The connections of a client on one reactor.
#pragma once

#include <memory>
#include <vector>

#include "net/reactor.h"
#include "server/client_link.h"
#include "wsd/connection.h"

namespace wsd {
class ClientCore;
}

namespace wsd::server {

// Reactor thread only, and the destructor after the thread has ended.
class ClientLinks {
 public:
  // Both outlive the links.
  ClientLinks(ClientCore& core, net::Reactor& reactor) noexcept : core_(core), reactor_(reactor) {}
  ClientLinks(const ClientLinks&) = delete;
  ClientLinks& operator=(const ClientLinks&) = delete;
  ~ClientLinks() { stop(); }

  // Begins to connect. If it throws std::bad_alloc, nothing has changed.
  void dial(ConnectRequest& request);
  // Fails the links that are not connected, and all later ones.
  void stop() noexcept;
  // Returns the link of a connection.
  [[nodiscard]] ClientLink& of(ConnectionId id) const noexcept;
  // The connection has ended: frees its link.
  void remove(ConnectionId id) noexcept;

  // For ClientLink, which is destroyed in fail().
  void fail(ClientLink& link, const ConnectError& error) noexcept;
  // Makes the connection of a link that dials. Takes ownership of `fd`, unless it throws
  // std::bad_alloc.
  net::Connection& connect(ClientLink& link, int fd, const net::PeerAddress& server, Bytes request);
  [[nodiscard]] net::Reactor& reactor() const noexcept { return reactor_; }
  // See ClientCore.
  [[nodiscard]] bool may_keep_contexts() const noexcept;

 private:
  ClientCore& core_;
  net::Reactor& reactor_;
  std::vector<std::unique_ptr<ClientLink>> dialing_;
  std::vector<std::unique_ptr<ClientLink>> connected_;  // by the slot of the connection's id
  bool stopped_ = false;
};

}  // namespace wsd::server
