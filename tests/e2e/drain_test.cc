// SIGTERM: every peer gets 1001 (RFC 6455 §7.4.1). The process ends with status 0, or with 3 if it
// had to force-close a connection.

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/patience.h"
#include "support/server_process.h"

namespace e2e {
namespace {

std::vector<RawClient> open_many(const ServerProcess& server, int count) {
  std::vector<RawClient> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(server.connect());
    EXPECT_TRUE(opens(clients.back(), i % 2 == 0 ? "/echo" : "/rooms/drain"));
  }
  return clients;
}

TEST(Drain, EveryPeerGets1001) {
  ServerProcess server({"--reactors", "2"});
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> clients = open_many(server, 100);
  server.signal(SIGTERM);
  for (RawClient& client : clients) EXPECT_TRUE(is_closed_with(client, 1001));
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0) << server.process().output();
}

TEST(Drain, InterruptDrainsToo) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  server.signal(SIGINT);
  EXPECT_TRUE(is_closed_with(client, 1001));
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0);
}

// Each echo that was requested before the Close arrived is complete or absent.
TEST(Drain, UnderLoadEveryPeerGetsWholeFramesAnd1001) {
  ServerProcess server({"--reactors", "2"});
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> clients = open_many(server, 20);
  for (RawClient& client : clients) {
    for (int i = 0; i < 200; ++i) client.send(text_frame("load " + std::to_string(i)));
  }
  server.signal(SIGTERM);
  for (RawClient& client : clients) {
    bool closed = false;
    for (int i = 0; !closed; ++i) {
      client.send(text_frame("more " + std::to_string(i)));
      const auto frame = client.read_frame();
      ASSERT_TRUE(frame) << end_name(client.end());
      ASSERT_TRUE(frame->fin && frame->rsv == 0 && !frame->masked) << frame->describe();
      if (frame->opcode != kClose) {
        EXPECT_TRUE(frame->payload.starts_with("load ") || frame->payload.starts_with("more "))
            << frame->describe();
        continue;
      }
      EXPECT_EQ(frame->close_code(), 1001U);
      client.send(close_frame(1001));
      closed = true;
    }
    EXPECT_EQ(client.read_end(), End::kFin);
  }
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0) << server.process().output();
}

// One reactor, so that the Close of one connection shows that all accepting has stopped.
TEST(Drain, NewConnectionsAreNotServed) {
  ServerProcess server({"--reactors", "1", "--close-timeout", "60s", "--drain-timeout", "90s"});
  ASSERT_TRUE(server.listening());
  RawClient silent = server.connect();
  ASSERT_TRUE(opens(silent));
  server.signal(SIGTERM);
  const auto frame = silent.read_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->close_code(), 1001U) << frame->describe();
  RawClient late = server.connect();
  if (late.connected()) {
    late.send(RequestText::upgrade().text());
    const auto response = late.read_response();
    EXPECT_TRUE(!response || response->status == 503) << response->describe();
  }
  silent.send(close_frame(1001));
  EXPECT_EQ(silent.read_end(), End::kFin);
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0);
}

// A silent peer delays the drain by its close timeout at most.
TEST(Drain, CloseTimeout_ResetsSilentPeer) {
  ServerProcess server({"--close-timeout", "300ms"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  server.signal(SIGTERM);
  const auto frame = client.read_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->close_code(), 1001U) << frame->describe();
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 3);
  EXPECT_TRUE(server.process().wait_for_line(
      "^wsd: drained, but 1 connection had to be force-closed: the closing handshake was not "
      "complete within --close-timeout and --drain-timeout$"));
}

TEST(Drain, DrainTimeout_ForceClosesAndCountsTheRest) {
  ServerProcess server({"--drain-window", "0", "--drain-timeout", "200ms"});
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> silent = open_many(server, 3);
  RawClient polite = server.connect();
  ASSERT_TRUE(opens(polite));
  server.signal(SIGTERM);
  EXPECT_TRUE(is_closed_with(polite, 1001));
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 3);
  EXPECT_TRUE(server.process().wait_for_line("drained, but 3 connections had to be force-closed"));
}

// A peer that closes, with or without a Close frame, does not count as force-closed.
TEST(Drain, PeersThatClose_AreNotForceClosed) {
  ServerProcess server({"--drain-window", "0"});
  ASSERT_TRUE(server.listening());
  RawClient vanishes = server.connect();
  RawClient resets = server.connect();
  ASSERT_TRUE(opens(vanishes));
  ASSERT_TRUE(opens(resets));
  server.signal(SIGTERM);
  ASSERT_TRUE(vanishes.read_frame());
  ASSERT_TRUE(resets.read_frame());
  vanishes.close();
  resets.reset();
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0) << server.process().output();
}

TEST(Drain, SecondSignalEndsAtOnce) {
  ServerProcess server({"--close-timeout", "600s", "--drain-timeout", "900s"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  server.signal(SIGTERM);
  const auto frame = client.read_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->close_code(), 1001U) << frame->describe();
  EXPECT_FALSE(server.wait_exit(Duration::zero()));
  server.signal(SIGTERM);
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->signal == SIGTERM || status->code >= 0) << status->signal;
}

// Returns the response to a GET on a connection of its own.
HttpResponse get(std::uint16_t port, const std::string& path) {
  RawClient client = RawClient::tcp(port);
  client.send(RequestText::get(path).set("Host", "localhost").text());
  return client.read_response().value_or(HttpResponse{});
}

// Load balancers notice by their probes that the server leaves. Until the delay is over, they may
// still send clients.
TEST(Drain, Delay_ServesNewClientsWhileProbesFail) {
  ServerProcess server({"--drain-delay", "600s", "--admin", "127.0.0.1:0", "--reactors", "2"});
  ASSERT_TRUE(server.listening());
  const std::string admin = server.process().wait_for_line("^admin on ").value_or(":0");
  const auto admin_port = static_cast<std::uint16_t>(std::stoi(admin.substr(admin.rfind(':') + 1)));
  EXPECT_EQ(get(admin_port, "/readyz").status, 200);
  EXPECT_EQ(get(server.port(), "/healthz").status, 200);
  RawClient before = server.connect();
  ASSERT_TRUE(opens(before));
  RawClient kept_alive = server.connect();
  kept_alive.send(RequestText::get("/").text());
  ASSERT_EQ(kept_alive.read_response().value_or(HttpResponse{}).get("Keep-Alive"), "timeout=75");

  server.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return get(admin_port, "/readyz").status == 503; }));
  EXPECT_EQ(get(admin_port, "/livez").status, 200);
  const HttpResponse health = get(server.port(), "/healthz");
  EXPECT_EQ(health.status, 503);
  EXPECT_TRUE(health.has_token("Connection", "close")) << health.describe();
  EXPECT_EQ(health.get("Retry-After"), "1");
  for (int i = 0; i < 10; ++i) {
    RawClient late = server.connect();
    ASSERT_TRUE(opens(late));
    EXPECT_TRUE(echoes(late));
  }
  EXPECT_TRUE(echoes(before));
  kept_alive.send(RequestText::get("/").text());
  const auto last = kept_alive.read_response();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->status, 200);
  EXPECT_TRUE(last->has_token("Connection", "close")) << last->describe();  // RFC 9112 §9.6
  EXPECT_EQ(kept_alive.read_end(), End::kFin);

  server.signal(SIGTERM);
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->signal, SIGTERM);
}

TEST(Drain, Delay_IsFollowedByTheDrain) {
  ServerProcess server({"--drain-delay", "200ms"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  server.signal(SIGTERM);
  EXPECT_TRUE(is_closed_with(client, 1001));
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0) << server.process().output();
}

TEST(Drain, IdleHttpConnections_DoNotDelayDrain) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  RawClient kept_alive = server.connect();
  kept_alive.send(RequestText::get("/healthz").text());
  ASSERT_TRUE(kept_alive.read_response());
  RawClient silent = server.connect();
  EXPECT_TRUE(server.ends_cleanly());
  EXPECT_NE(kept_alive.read_end(), End::kTimeout);
}

}  // namespace
}  // namespace e2e
