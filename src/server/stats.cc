#include "server/stats.h"

#include <cstddef>

namespace wsd::server {
namespace {

std::uint64_t in_state(const net::ReactorStats& reactor, ConnectionState state) {
  return reactor.connections[static_cast<std::size_t>(state)].value();
}

}  // namespace

void add_reactor(ServerStats& total, const net::ReactorStats& reactor) {
  ++total.reactors;
  const std::uint64_t handshaking = in_state(reactor, ConnectionState::kHandshaking);
  const std::uint64_t open = in_state(reactor, ConnectionState::kOpen);
  const std::uint64_t closing = in_state(reactor, ConnectionState::kClosing);
  const std::uint64_t accepted = reactor.accepted.value();
  total.by_reactor.push_back({handshaking + open + closing, accepted});
  total.connections_handshaking += handshaking;
  total.connections_open += open;
  total.connections_closing += closing;
  total.accepted_total += accepted;
  for (std::size_t i = 0; i < reactor.ended.size(); ++i) {
    total.ended_total[i] += reactor.ended[i].value();
  }
  for (std::size_t i = 0; i < reactor.refused.size(); ++i) {
    total.handshakes_refused_total[i] += reactor.refused[i].value();
  }
  total.messages_in_total += reactor.messages_in.value();
  total.messages_out_total += reactor.messages_out.value();
  total.messages_dropped_total += reactor.messages_dropped.value();
  total.messages_uncompressed_total += reactor.messages_uncompressed.value();
  total.bytes_in_total += reactor.bytes_in.value();
  total.bytes_out_total += reactor.bytes_out.value();
  total.send_queue_bytes += reactor.send_queue_bytes.value();
  total.memory_trims_total += reactor.memory_trims.value();
  reactor.turn.add_to(total.turn);
  reactor.fan_out.add_to(total.fan_out);
  reactor.round_trip.add_to(total.round_trip);
  reactor.delivery_delay.add_to(total.delivery_delay);
}

void add_shard(ServerStats& total, hub::Shard& shard) {
  total.rooms += shard.stats().rooms.value();
  total.room_members += shard.stats().memberships.value();
  total.publishes_total += shard.stats().publishes.value();
  total.publishes_refused_total += shard.stats().refused.value();
  total.deliveries_total += shard.stats().deliveries.value();
  total.pending_publish_bytes += shard.publish_gate().queued();
  total.pending_delivery_bytes += shard.deliver_gate().queued();
  total.pending_request_bytes += shard.request_gate().queued();
}

}  // namespace wsd::server
