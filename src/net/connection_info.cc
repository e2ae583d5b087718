// What a connection tells about itself, and where it is counted.
#include "net/connection.h"

namespace wsd::net {

ConnectionState Connection::state() const noexcept {
  if (phase_ == Phase::kHttp) return ConnectionState::kHandshaking;
  return phase_ == Phase::kOpen ? ConnectionState::kOpen : ConnectionState::kClosing;
}

std::uint64_t Connection::age_ms() const noexcept { return accepted_.age(reactor_.now) * kTickMs; }

Counter& Connection::state_counter() const noexcept {
  return reactor_.stats.connections[static_cast<std::size_t>(state())];
}

ConnectionInfo Connection::info() const {
  ConnectionInfo info;
  info.id = id();
  info.state = state();
  info.remote = peer_info_.remote();
  info.via = peer_info_.via();
  info.path = peer_info_.path();
  info.user = peer_info_.user();
  info.subprotocol = peer_info_.subprotocol();
  info.age_ms = age_ms();
  info.round_trip_us = round_trip_.us();
  info.queued_bytes = out_.queued_bytes();
  info.rooms = memberships().size();
  info.messages_in = messages_in_;
  info.messages_out = messages_out_;
  info.messages_dropped = out_.dropped();
  info.bytes_in = bytes_in_;
  info.bytes_out = out_.bytes_sent();
  return info;
}

}  // namespace wsd::net
