// Drains: the Close frames, their times, and the counts.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "net/reactor_rig.h"
#include "net/socket.h"

namespace wsd::net {
namespace {

using test::client_frame;
using test::close_payload;
using test::Peer;

TEST(ReactorDrain, CountsWhoIsCutAtTheTimeout) {
  ReactorSettings settings = calm_settings();
  settings.drain_timeout = 5;
  ReactorRig rig(settings);
  for (int i = 0; i < 3; ++i) static_cast<void>(rig.open());
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  EXPECT_EQ(rig.counts.forced_closes.load(), 3U);
}

TEST(ReactorDrain, CountsWhoDoesNotAnswerItsClose) {
  ReactorSettings settings = calm_settings();
  settings.close_timeout = 5;
  ReactorRig rig(settings);
  static_cast<void>(rig.open());
  Peer& polite = rig.open();
  Peer& gone = rig.open();
  rig.hub().command(Reactor::kDrain);
  EXPECT_EQ(rig.frame(polite).opcode, test::kClose);
  polite.send(client_frame(test::kClose, close_payload(1001)));
  polite.close();
  gone.close();
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  EXPECT_EQ(rig.counts.forced_closes.load(), 1U);
}

// The kernel has accepted these connections, and no turn has taken them yet.
TEST(ReactorDrain, RefusesWhoWaitsInTheBacklog) {
  for (const std::uint32_t reactors : {1U, 2U}) {
    ReactorRig rig(calm_settings(), reactors);
    std::vector<Peer*> waiting;
    for (int i = 0; i < 200; ++i) {
      waiting.push_back(&rig.connect());
      waiting.back()->send(test::upgrade_request());
    }
    rig.hub().command(Reactor::kDrain);
    for (Peer* each : waiting) {
      std::string head;
      ASSERT_TRUE(rig.until([&] { return !(head = each->take_head()).empty(); }));
      EXPECT_EQ(head.find("HTTP/1.1 503 "), 0U) << head;
      EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos) << head;
      EXPECT_NE(head.find("\r\nRetry-After: 1\r\n"), std::string::npos) << head;
      ASSERT_TRUE(rig.until([&] { return each->end() != Peer::End::kOpen; }));
      EXPECT_EQ(each->end(), Peer::End::kFin);
      each->close();
    }
    ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
    rig.expect_all_over(200);
    EXPECT_EQ(rig.counts.forced_closes.load(), 0U) << "nothing was taken from them";
    EXPECT_EQ(rig.app.requests, 0);
  }
}

// An adopted socket outlives the process, and another process accepts its connections.
TEST(ReactorDrain, LeavesTheBacklogOfAnAdoptedSocketToTheNext) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
  ASSERT_EQ(::listen(fd, 16), 0);
  const int successor = ::dup(fd);
  ReactorRig rig;
  Listener adopted;
  ASSERT_EQ(adopted.adopt(fd, 1, {}), "");
  ASSERT_TRUE(rig.reactor().listen(adopted));
  Peer waiting(test::port_of(adopted.name()));
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  const AcceptResult accepted = accept_connection(successor);
  EXPECT_EQ(accepted.status, AcceptStatus::kOk);
  if (accepted.fd >= 0) ::close(accepted.fd);
  ::close(successor);
  EXPECT_EQ(rig.app.ends.size(), 0U);
}

TEST(ReactorDrain, OneThatHasAskedForNothingYetIsRefused) {
  ReactorRig rig;
  Peer& fresh = rig.connect();
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() == 1; }));
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return fresh.end() == Peer::End::kFin; }));
  EXPECT_EQ(fresh.input.find("HTTP/1.1 503 "), 0U) << fresh.input;
}

TEST(ReactorDrain, OneThatWasAnsweredAndIsIdleEndsWithoutAWord) {
  ReactorRig rig;
  Peer& kept_alive = rig.connect();
  kept_alive.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(rig.until([&] { return kept_alive.input.ends_with("page"); }));
  kept_alive.input.clear();
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return kept_alive.end() == Peer::End::kFin; }));
  EXPECT_EQ(kept_alive.input, "");
}

TEST(ReactorDrain, Delay_GoesOnAcceptingAndServing) {
  ReactorSettings settings = calm_settings();
  settings.drain_delay = ticks_for_ms(60'000);
  ReactorRig rig(settings, 2);
  Peer& before = rig.open();
  rig.hub().command(Reactor::kDrain);
  rig.hub().command(Reactor::kDrain);  // changes nothing
  rig.pass(2);
  EXPECT_FALSE(rig.reactor().draining());
  EXPECT_FALSE(rig.reactor().finished());
  rig.app.handler = [](Connection& connection, const Message& message) {
    static_cast<void>(connection.send(message.type, as_bytes(message.payload)));
  };
  for (Peer* each : {&before, &rig.open()}) {
    each->send(client_frame(test::kText, "still here"));
    EXPECT_EQ(rig.frame(*each), (test::WireFrame{test::kText, "still here"}));
  }
  // A stop does not wait for the delay.
  rig.hub().command(Reactor::kStop);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
}

TEST(ReactorDrain, Delay_IsFollowedByTheDrain) {
  ReactorSettings settings = calm_settings();
  settings.drain_delay = 20;
  settings.drain_timeout = 5;
  ReactorRig rig(settings);
  Peer& polite = rig.open();
  Peer& silent = rig.open();
  const Tick begin = rig.shard().wheel().now();
  rig.hub().command(Reactor::kDrain);
  EXPECT_EQ(rig.frame(polite).payload.substr(0, 2), close_payload(1001));
  EXPECT_GE(rig.shard().wheel().now() - begin, settings.drain_delay);
  EXPECT_TRUE(rig.reactor().draining());
  polite.send(client_frame(test::kClose, close_payload(1001)));
  polite.close();
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  EXPECT_NE(silent.end(), Peer::End::kOpen);
  EXPECT_EQ(rig.counts.forced_closes.load(), 1U) << "the drain timeout begins after the delay";
}

// A connection that another reactor accepts may join a room whose home is here.
TEST(ReactorDrain, IsNotFinishedWhileAnotherReactorAccepts) {
  ReactorRig rig;
  rig.counts.accepting = 1;
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().draining(); }));
  EXPECT_FALSE(rig.reactor().finished());
  rig.counts.accepting = 0;
  EXPECT_TRUE(rig.reactor().finished());
}

TEST(ReactorDrain, SpreadsTheClosesOverTheWindow) {
  ReactorSettings settings = calm_settings();
  settings.drain_window = ticks_for_ms(1000);
  ReactorRig rig(settings, 2);
  std::vector<Peer*> peers;
  constexpr std::size_t kPeers = 100;
  for (std::size_t i = 0; i < kPeers; ++i) peers.push_back(&rig.open());
  rig.hub().command(Reactor::kDrain);
  std::map<Tick, std::size_t> closes;
  std::size_t closed = 0;
  const Tick begin = rig.shard(0).wheel().now();
  ASSERT_TRUE(rig.until([&] {
    for (Peer*& each : peers) {
      if (each == nullptr) continue;
      const auto frame = test::take_frame(each->input);
      if (!frame) continue;
      EXPECT_EQ(frame->payload.substr(0, 2), close_payload(1001));
      ++closes[rig.shard(0).wheel().now()];
      ++closed;
      each = nullptr;
    }
    return closed == kPeers;
  }));
  EXPECT_EQ(rig.counts.at_drain.load(), kPeers);
  // One millisecond per connection, except the last slot.
  EXPECT_GE(closes.rbegin()->first - begin, ticks_for_ms(80));
}

TEST(ReactorDrain, AnswersWhenAskedAndNotBefore) {
  ReactorRig rig(calm_settings(), 2);
  rig.turn();
  EXPECT_EQ(rig.counts.answered.load(), 0U);
  rig.hub().command(Reactor::kReportAlive);
  rig.reactor(1).turn(0);
  EXPECT_EQ(rig.counts.answered.load(), 2U);
  rig.reactor(0).turn(0);
  EXPECT_EQ(rig.counts.answered.load(), 3U);
}

}  // namespace
}  // namespace wsd::net
