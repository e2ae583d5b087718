#include "server/client_links.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "hub/member_table.h"
#include "server/client_core.h"

namespace wsd::server {

void ClientLinks::dial(ConnectRequest& request) {
  dialing_.reserve(dialing_.size() + 1);
  auto link = std::make_unique<ClientLink>(*this, std::move(request));
  ClientLink& added = *link;
  added.place = dialing_.size();
  dialing_.push_back(std::move(link));
  try {
    if (!stopped_) added.dial();
  } catch (const std::bad_alloc&) {
    fail(added, added.error(ConnectCause::kNoResources, "out of memory"));
    return;
  }
  if (stopped_) fail(added, added.error(ConnectCause::kStopped, "the client has stopped"));
}

bool ClientLinks::may_keep_contexts() const noexcept { return core_.may_keep_contexts(); }

void ClientLinks::stop() noexcept {
  stopped_ = true;
  while (!dialing_.empty()) {
    ClientLink& link = *dialing_.back();
    fail(link, link.error(ConnectCause::kStopped, "the client has stopped"));
  }
}

ClientLink& ClientLinks::of(ConnectionId id) const noexcept {
  const std::uint32_t slot = hub::slot_of(id);
  WSD_ASSERT(slot < connected_.size() && connected_[slot] != nullptr);
  return *connected_[slot];
}

void ClientLinks::remove(ConnectionId id) noexcept {
  const std::unique_ptr<ClientLink> link = std::move(connected_[hub::slot_of(id)]);
}

void ClientLinks::fail(ClientLink& link, const ConnectError& error) noexcept {
  // The handler may call Client::connect(), but that only posts mail.
  std::swap(dialing_[link.place], dialing_.back());
  dialing_[link.place]->place = link.place;
  const std::unique_ptr<ClientLink> failed = std::move(dialing_.back());
  dialing_.pop_back();
  core_.report(*failed, error);
}

net::Connection& ClientLinks::connect(ClientLink& link, int fd, const net::PeerAddress& server,
                                      Bytes request) {
  // Room first, because nothing may throw once the connection has the descriptor. Ids of a shard
  // have slots below its largest number of members.
  const std::size_t members = reactor_.shard().member_count() + 1;
  if (connected_.size() < members) connected_.resize(std::max(members, connected_.size() * 2));
  net::Connection& connection = reactor_.take_client(fd, server, request);
  const std::uint32_t slot = hub::slot_of(connection.id());
  WSD_ASSERT(slot < connected_.size());
  std::swap(dialing_[link.place], dialing_.back());
  dialing_[link.place]->place = link.place;
  connected_[slot] = std::move(dialing_.back());
  dialing_.pop_back();
  return connection;
}

}  // namespace wsd::server
