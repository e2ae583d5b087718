#include "net/reactor_stats.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

using test::client_frame;
using test::Peer;

std::uint64_t in_state(const ReactorStats& stats, ConnectionState state) {
  return stats.connections[static_cast<std::size_t>(state)].value();
}
std::uint64_t ended(const ReactorStats& stats, CloseCause cause) {
  return stats.ended[static_cast<std::size_t>(cause)].value();
}
DurationHistogram shape(const Histogram& histogram) {
  DurationHistogram total;
  histogram.add_to(total);
  return total;
}

TEST(ReactorStats, ConnectionsAreCountedInOneStateEach) {
  ReactorRig rig;
  const ReactorStats& stats = rig.reactor().stats();
  Peer& early = rig.connect();
  ASSERT_TRUE(rig.until([&] { return stats.accepted.value() == 1; }));
  EXPECT_EQ(in_state(stats, ConnectionState::kHandshaking), 1U);
  Peer& peer = rig.open();
  EXPECT_EQ(in_state(stats, ConnectionState::kHandshaking), 1U);
  EXPECT_EQ(in_state(stats, ConnectionState::kOpen), 1U);
  early.close();
  peer.send(client_frame(test::kClose, test::close_payload(1000)));
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() <= 1; }));
  peer.close();
  rig.expect_all_over(2);
  for (const auto& each : stats.connections) EXPECT_EQ(each.value(), 0U);
  EXPECT_EQ(ended(stats, CloseCause::kProbe), 1U);
  EXPECT_EQ(ended(stats, CloseCause::kPeerClosed), 1U);
  std::uint64_t all = 0;
  for (const auto& each : stats.ended) all += each.value();
  EXPECT_EQ(all, stats.accepted.value()) << "each ends once";
}

TEST(ReactorStats, MessagesAndBytesAgreeWithWhatConnectionsCount) {
  ReactorRig rig;
  rig.app.handler = [](Connection& c, const Message& m) {
    c.send(m.type, as_bytes(m.payload));
    c.send(m.type, as_bytes(m.payload));
  };
  Peer& peer = rig.open();
  peer.send(client_frame(test::kText, "one") +
            client_frame(test::kBinary, std::string(70'000, 'x')) +
            client_frame(test::kPing, "no message"));
  for (int i = 0; i < 5; ++i) EXPECT_NE(rig.frame(peer).opcode, -1);
  peer.send(client_frame(test::kClose, test::close_payload(1000)));
  const EndNote end = rig.end();
  rig.turn();
  const ReactorStats& stats = rig.reactor().stats();
  EXPECT_EQ(stats.messages_in.value(), 2U);
  EXPECT_EQ(stats.messages_out.value(), 4U);
  EXPECT_EQ(stats.messages_in.value(), end.record.messages_in);
  EXPECT_EQ(stats.messages_out.value(), end.record.messages_out);
  EXPECT_EQ(stats.bytes_in.value(), end.record.bytes_in);
  EXPECT_EQ(stats.bytes_out.value(), end.record.bytes_out);
}

// The shard counts the messages of rooms by the batch. A message for a closing member must not
// count.
TEST(ReactorStats, DeliveriesToMembersThatAreClosingDoNotCount) {
  ReactorRig rig;
  rig.app.open = [&](Connection& c) { rig.shard().join(c, "room"); };
  rig.app.handler = [&](Connection& c, const Message& m) {
    static_cast<void>(rig.shard().publish(
        "room", protocol::make_frame(protocol::Opcode::kText, as_bytes(m.payload))));
    if (m.payload == "last") c.close(CloseCause::kApplicationClosed, CloseCode::kNormalClosure, "");
  };
  Peer& stays = rig.open();
  Peer& goes = rig.open();
  stays.send(client_frame(test::kText, "first"));
  EXPECT_EQ(rig.frame(stays).payload, "first");
  EXPECT_EQ(rig.frame(goes).payload, "first");
  goes.send(client_frame(test::kText, "last"));
  EXPECT_EQ(rig.frame(stays).payload, "last");
  EXPECT_EQ(rig.frame(goes).opcode, test::kClose);
  rig.turn();
  const ReactorStats& stats = rig.reactor().stats();
  EXPECT_EQ(rig.shard().stats().deliveries.value(), 4U);
  EXPECT_EQ(stats.messages_out.value(), 3U);
  EXPECT_EQ(stats.messages_in.value(), 2U);
  EXPECT_EQ(shape(stats.fan_out).count(), 2U);
  EXPECT_EQ(shape(stats.delivery_delay).count(), 2U);
}

// A join makes the home shard send pending messages, here to the member that is in its read step.
TEST(ReactorStats, ADeliveryInTheMembersOwnReadStepCountsOnce) {
  ReactorRig rig;
  rig.app.open = [&](Connection& c) {
    if (rig.app.opened.size() == 1) rig.shard().join(c, "room");
  };
  rig.app.handler = [&](Connection& c, const Message& m) {
    c.send(m.type, as_bytes(m.payload));
    static_cast<void>(rig.shard().publish(
        "room", protocol::make_frame(protocol::Opcode::kText, as_bytes(m.payload))));
    rig.shard().join(*rig.reactor().find(rig.app.opened[1]), "room");
  };
  Peer& member = rig.open();
  Peer& joins = rig.open();
  member.send(client_frame(test::kText, "both"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(rig.frame(member).payload, "both");
  rig.turn();
  EXPECT_TRUE(joins.input.empty()) << "it joined after that";
  EXPECT_EQ(rig.shard().stats().deliveries.value(), 1U);
  EXPECT_EQ(rig.reactor().stats().messages_out.value(), 2U);
}

TEST(ReactorStats, WhatWaitsInSendQueuesIsCountedAndGoesWithThem) {
  ReactorSettings settings = calm_settings();
  settings.send_queue.bytes = std::size_t{1} << 20;
  settings.send_queue.policy = SlowPolicy::kDropNewest;
  ReactorRig rig(settings);
  rig.app.open = [&](Connection& c) { rig.shard().join(c, "room"); };
  constexpr int kReceiveBuffer = 4096;
  Peer& deaf = rig.open(kReceiveBuffer);
  rig.set_deaf(deaf, true);
  const ReactorStats& stats = rig.reactor().stats();
  const std::string text(100'000, 'x');
  std::uint64_t published = 0;
  ASSERT_TRUE(rig.until([&] {
    ++published;
    static_cast<void>(
        rig.shard().publish("room", protocol::make_frame(protocol::Opcode::kText, as_bytes(text))));
    rig.turn();
    return stats.messages_dropped.value() >= 3;
  }));
  EXPECT_GT(stats.send_queue_bytes.value(), settings.send_queue.high_water());
  EXPECT_LE(stats.send_queue_bytes.value(), settings.send_queue.bytes);
  EXPECT_EQ(stats.messages_out.value(), published);
  deaf.reset();
  const EndNote end = rig.end();
  rig.turn();
  EXPECT_EQ(stats.send_queue_bytes.value(), 0U);
  EXPECT_EQ(stats.messages_dropped.value(), end.record.messages_dropped);
  EXPECT_EQ(stats.bytes_out.value(), end.record.bytes_out);
}

TEST(ReactorStats, RefusalsAreCountedByStatus) {
  ReactorRig rig;
  Peer& malformed = rig.connect();
  malformed.send("GET / HTTP/1.1\r\nHost : x\r\n\r\n");
  EXPECT_EQ(rig.end().record.http_status, 400);
  Peer& page = rig.connect();
  page.send("GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(rig.until([&] { return rig.app.ends.size() == 2; }));
  const ReactorStats& stats = rig.reactor().stats();
  std::uint64_t all = 0;
  for (const auto& each : stats.refused) all += each.value();
  EXPECT_EQ(stats.refused[0].value(), 1U);
  EXPECT_EQ(all, 1U) << "a page is no refusal";
}

TEST(ReactorStats, AStatusWithoutARowOfItsOwnIsCountedAsOther) {
  ReactorStats stats;
  for (const int status : {418, 599, 503, 400}) stats.count_refusal(status);
  EXPECT_EQ(stats.refused.front().value(), 1U);
  EXPECT_EQ(stats.refused.back().value(), 2U);
  EXPECT_EQ(kRefusalStatuses.back(), 0);
}

TEST(ReactorStats, EveryTurnIsCounted) {
  ReactorRig rig;
  const std::uint64_t before = shape(rig.reactor().stats().turn).count();
  for (int i = 0; i < 5; ++i) rig.turn();
  EXPECT_EQ(shape(rig.reactor().stats().turn).count(), before + 5);
  EXPECT_EQ(shape(rig.reactor().stats().fan_out).count(), 0U) << "nothing was fanned out";
}

TEST(ReactorStats, ARoundTripIsMeasuredOncePerPing) {
  ReactorSettings settings = calm_settings();
  settings.heartbeat = {5, 0, 0};
  ReactorRig rig(settings);
  Peer& peer = rig.open();
  const ReactorStats& stats = rig.reactor().stats();
  const auto& connection = *rig.reactor().find(rig.app.opened.front());
  EXPECT_EQ(connection.info().round_trip_us, 0U);
  const test::WireFrame ping = rig.frame(peer);
  ASSERT_EQ(ping.opcode, test::kPing);
  peer.send(client_frame(test::kPong, "unasked") + client_frame(test::kPong, ping.payload) +
            client_frame(test::kPong, ping.payload) + client_frame(test::kText, "done"));
  ASSERT_TRUE(rig.until([&] { return !rig.app.messages.empty(); }));
  EXPECT_EQ(shape(stats.round_trip).count(), 1U);
  EXPECT_GT(connection.info().round_trip_us, 0U);
}

}  // namespace
}  // namespace wsd::net
