// HTTP connections between requests: how long they stay, and how they end.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/connection.h"
#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

using test::Peer;

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Waits for the page of page_or_upgrade(), and removes it from the input.
[[nodiscard]] bool gets_page(ReactorRig& rig, Peer& peer) {
  const bool came = rig.until([&] { return peer.input.ends_with("page"); });
  peer.input.clear();
  return came;
}

[[nodiscard]] Peer& answered(ReactorRig& rig) {
  Peer& peer = rig.connect();
  peer.send(kRequest);
  EXPECT_TRUE(gets_page(rig, peer));
  return peer;
}

TEST(ConnectionHttp, IdleAfterAResponse_OutlivesTheHandshakeTimeout) {
  ReactorSettings settings = calm_settings();
  settings.handshake_timeout = 3;
  ReactorRig rig(settings);
  Peer& peer = answered(rig);
  rig.pass(10);
  peer.send(kRequest);
  EXPECT_TRUE(gets_page(rig, peer));
  EXPECT_EQ(peer.end(), Peer::End::kOpen);
}

TEST(ConnectionHttp, IdleAfterAResponse_EndsAtTheKeepAliveTimeout) {
  ReactorSettings settings = calm_settings();
  settings.keep_alive_timeout = 5;
  ReactorRig rig(settings);
  Peer& peer = answered(rig);
  const Tick begin = rig.shard().wheel().now();
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  EXPECT_GE(rig.shard().wheel().now() - begin + 1, settings.keep_alive_timeout);
  EXPECT_EQ(peer.input, "");
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kHttpDone);
}

// The handshake timeout is over when the request begins, and applies from its first byte on.
TEST(ConnectionHttp, ASecondRequest_HasTheHandshakeTimeoutFromItsFirstByte) {
  ReactorSettings settings = calm_settings();
  settings.handshake_timeout = 20;
  ReactorRig rig(settings);
  Peer& peer = answered(rig);
  rig.pass(30);
  const Tick begin = rig.shard().wheel().now();
  peer.send("GET / HT");
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  EXPECT_EQ(peer.input.find("HTTP/1.1 408 "), 0U) << peer.input;
  EXPECT_GE(rig.shard().wheel().now() - begin, settings.handshake_timeout);
}

// A byte now and then does not extend the time of a request.
TEST(ConnectionHttp, ASecondRequestInPieces_StillHasOneDeadline) {
  ReactorSettings settings = calm_settings();
  settings.handshake_timeout = 10;
  ReactorRig rig(settings);
  Peer& peer = answered(rig);
  peer.send("GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ");
  Tick sent = 0;
  ASSERT_TRUE(rig.until([&] {
    const Tick now = rig.shard().wheel().now();
    if (now != sent) peer.send("x");  // once per tick: the field has a limit, too
    sent = now;
    return peer.end() != Peer::End::kOpen;
  }));
  EXPECT_EQ(peer.input.find("HTTP/1.1 408 "), 0U) << peer.input;
}

// After an HTTP request in pieces, a frame in pieces still has its own deadline.
TEST(ConnectionHttp, AnUpgradeInPieces_LeavesNoTraceInTheMessageDeadline) {
  ReactorSettings settings = calm_settings();
  settings.message_timeout = 20;
  ReactorRig rig(settings);
  Peer& peer = rig.connect();
  const std::string request = test::upgrade_request();
  peer.send(request.substr(0, 20));
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() == 1; }));
  rig.pass(2);
  const std::string frame = test::client_frame(test::kText, "hello");
  peer.send(request.substr(20) + frame.substr(0, 7));
  ASSERT_TRUE(rig.until([&] { return !peer.take_head().empty(); }));
  const Tick begin = rig.shard().wheel().now();
  EXPECT_EQ(rig.frame(peer).payload.substr(0, 2), test::close_payload(1008));
  EXPECT_GE(rig.shard().wheel().now() - begin + 1, settings.message_timeout);
}

// RFC 9112 §9.3: a client that was told that another request may follow may have sent it already.
TEST(ConnectionHttp, Rfc9112_9_3_Drain_StillAnswersARequestThatIsOnItsWay) {
  ReactorRig rig;
  Peer& peer = answered(rig);
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().draining(); }));
  peer.send(kRequest);
  EXPECT_TRUE(gets_page(rig, peer));
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kDrain);
  EXPECT_EQ(rig.counts.forced_closes.load(), 0U);
}

// The moment for such a request fits into any drain timeout.
TEST(ConnectionHttp, Drain_DoesNotForceIdleConnections) {
  ReactorSettings settings = calm_settings();
  settings.drain_timeout = 10;
  ReactorRig rig(settings);
  static_cast<void>(answered(rig));
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kDrain);
  EXPECT_EQ(rig.counts.forced_closes.load(), 0U);
}

struct Ending {
  std::string_view sent;
  CloseCause by_eof;
  CloseCause by_reset;
};

// Returns the cause of a connection whose peer sends that and ends it.
CloseCause cause_of(const ReactorSettings& settings, std::string_view sent, bool reset) {
  ReactorRig rig(settings);
  Peer& peer = rig.connect();
  peer.send(sent);
  if (sent.ends_with("\r\n\r\n")) {
    EXPECT_TRUE(gets_page(rig, peer));
  } else {
    EXPECT_TRUE(rig.until([&] { return rig.counts.connections.load() == 1; }));
    rig.pass(2);
  }
  if (reset) {
    peer.reset();
  } else {
    peer.close();
  }
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.bytes_undelivered, 0U);
  EXPECT_EQ(rig.counts.forced_closes.load(), 0U);
  return end.record.close.cause;
}

TEST(ConnectionHttp, APeerThatSendsNothing_IsAProbe) {
  const Ending rows[] = {
      {"", CloseCause::kProbe, CloseCause::kProbe},
      {"GET", CloseCause::kEof, CloseCause::kReset},
      {kRequest, CloseCause::kHttpDone, CloseCause::kHttpDone},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n", CloseCause::kHttpDone, CloseCause::kHttpDone},
  };
  for (const Ending& row : rows) {
    EXPECT_EQ(cause_of(calm_settings(), row.sent, false), row.by_eof) << row.sent;
    EXPECT_EQ(cause_of(calm_settings(), row.sent, true), row.by_reset) << row.sent;
  }
}

TEST(ConnectionHttp, APeerThatSendsOnlyAProxyHeader_IsAProbe) {
  ReactorSettings settings = calm_settings();
  settings.session.proxy_header = true;
  ASSERT_EQ(settings.trusted_proxies.add("127.0.0.1"), "");
  const Ending rows[] = {
      {"", CloseCause::kProbe, CloseCause::kProbe},
      {"PROXY UNKNO", CloseCause::kEof, CloseCause::kReset},
      {"PROXY UNKNOWN\r\n", CloseCause::kProbe, CloseCause::kProbe},
      {"PROXY UNKNOWN\r\nGET", CloseCause::kEof, CloseCause::kReset},
  };
  for (const Ending& row : rows) {
    EXPECT_EQ(cause_of(settings, row.sent, false), row.by_eof) << row.sent;
    EXPECT_EQ(cause_of(settings, row.sent, true), row.by_reset) << row.sent;
  }
}

}  // namespace
}  // namespace wsd::net
