#include "server/stats.h"

#include <gtest/gtest.h>

#include "net/reactor_rig.h"

namespace wsd::server {
namespace {

TEST(Stats, ReactorsAndShardsAddUp) {
  net::ReactorStats first;
  net::ReactorStats second;
  first.accepted.add(2);
  second.accepted.add(3);
  first.connections[1].add(1);
  second.connections[1].add(1);
  second.connections[2].add(1);
  first.ended[static_cast<std::size_t>(CloseCause::kReset)].add(4);
  second.refused.back().add(5);
  first.messages_in.set(6);
  second.messages_out.set(7);
  first.messages_dropped.set(8);
  second.messages_uncompressed.set(12);
  first.bytes_in.set(9);
  second.bytes_out.set(10);
  second.send_queue_bytes.set(11);
  first.memory_trims.add(12);
  first.turn.record(1'000);
  second.turn.record(1'001);
  second.round_trip.record(5);
  ServerStats total;
  add_reactor(total, first);
  add_reactor(total, second);
  EXPECT_EQ(total.reactors, 2U);
  EXPECT_EQ(total.accepted_total, 5U);
  ASSERT_EQ(total.by_reactor.size(), 2U);
  EXPECT_EQ(total.by_reactor[0].connections + total.by_reactor[1].connections, 3U);
  EXPECT_EQ(total.by_reactor[0].accepted_total + total.by_reactor[1].accepted_total, 5U);
  EXPECT_EQ(total.connections_handshaking, 0U);
  EXPECT_EQ(total.connections_open, 2U);
  EXPECT_EQ(total.connections_closing, 1U);
  EXPECT_EQ(total.ended_total[static_cast<std::size_t>(CloseCause::kReset)], 4U);
  EXPECT_EQ(total.handshakes_refused_total.back(), 5U);
  EXPECT_EQ(total.messages_in_total, 6U);
  EXPECT_EQ(total.messages_out_total, 7U);
  EXPECT_EQ(total.messages_dropped_total, 8U);
  EXPECT_EQ(total.messages_uncompressed_total, 12U);
  EXPECT_EQ(total.bytes_in_total, 9U);
  EXPECT_EQ(total.bytes_out_total, 10U);
  EXPECT_EQ(total.send_queue_bytes, 11U);
  EXPECT_EQ(total.memory_trims_total, 12U);
  EXPECT_EQ(total.turn.counts[0], 1U);
  EXPECT_EQ(total.turn.counts[1], 1U);
  EXPECT_EQ(total.round_trip.count(), 1U);
}

TEST(Stats, QueuedMail_IsReported) {
  net::ReactorRig rig(net::calm_settings(), 2);
  std::string room;
  for (int i = 0; rig.hub().home_of(room = std::to_string(i)) != 1;) ++i;
  static_cast<void>(rig.hub().publish(room, SharedBytes::copy_of(as_bytes("waits"))));
  ServerStats total;
  add_shard(total, rig.shard(0));
  EXPECT_EQ(total.pending_publish_bytes, 0U);
  add_shard(total, rig.shard(1));
  EXPECT_EQ(total.pending_publish_bytes, 1024U) << "the smallest share of 64 MiB";
}

}  // namespace
}  // namespace wsd::server
