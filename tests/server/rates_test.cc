// Limits on one client's use of shared resources, through the public API.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/peer.h"
#include "server/server_rig.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::client_frame;
using test::kClose;
using test::kText;
using test::Peer;
using test::quiet;
using test::upgrade_request;
using Rig = test::ServerRig;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Rates, ConnectionsOfOneAddress) {
  ServerOptions options = quiet(3);  // more reactors than connections, but one limit
  options.rates.max_connections_per_address = 2;
  Rig rig(options);
  rig.server.route("/", {});
  rig.server.http("/page", [](const Request&) { return Response{200, "text/plain", "page", {}}; });
  rig.start();
  Peer one = rig.open();
  const Peer two = rig.open();
  const std::string answer = rig.answer(upgrade_request());
  EXPECT_EQ(answer.find("HTTP/1.1 429 Too Many Requests\r\n"), 0U) << answer;
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
  EXPECT_TRUE(has(answer, "too many connections from this address\n"));
  EXPECT_TRUE(has(rig.answer("GET /page HTTP/1.0\r\n\r\n"), "page")) << "plain HTTP does not count";
  one.send(client_frame(kClose, test::close_payload(1000)));
  EXPECT_EQ(Rig::frame(one).opcode, kClose);
  one.close();
  EXPECT_TRUE(test::until([&] { return rig.server.connection_count() == 1; },
                          [] { std::this_thread::yield(); }));
  const Peer three = rig.open();
  EXPECT_TRUE(has(rig.answer(upgrade_request()), "429"));
}

// The count of a connection is released exactly once, however its handshake ends.
TEST(Rates, RefusedHandshakesAreNotCountedAsConnections) {
  ServerOptions options = quiet();
  options.rates.max_connections_per_address = 1;
  std::atomic<int> status{403};
  Rig rig(options);
  rig.server.route("/", {.upgrade = [&](const Request&) {
                     return status == 101 ? Upgrade::accept() : Upgrade::reject(status);
                   }});
  rig.start();
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(has(rig.answer(upgrade_request()), "HTTP/1.1 403 "));
    EXPECT_TRUE(has(rig.answer(upgrade_request("/", "Origin: https://evil\r\n")), "403"));
  }
  status = 101;
  for (int i = 0; i < 5; ++i) {
    Peer peer = rig.open();
    EXPECT_TRUE(has(rig.answer(upgrade_request()), "429"));
    peer.reset();
    EXPECT_TRUE(rig.emptied());
  }
}

TEST(Rates, HandshakesOfOneAddress) {
  ServerOptions options = quiet(3);
  options.rates.max_handshakes_per_second = 1;
  Rig rig(options);
  rig.server.route("/", {.upgrade = [](const Request&) { return Upgrade::reject(401); }});
  rig.start();
  // Rejected handshakes count too, to limit token guessing. Of so many, two come within one second
  // even on a slow machine.
  std::string answer;
  for (int i = 0; i < 1'000 && !has(answer, "HTTP/1.1 429 "); ++i) {
    answer = rig.answer(upgrade_request());
  }
  EXPECT_EQ(answer.find("HTTP/1.1 429 Too Many Requests\r\n"), 0U) << answer;
  EXPECT_TRUE(has(answer, "Retry-After: 1\r\n"));
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
  EXPECT_TRUE(has(answer, "too many handshakes from this address, try again later\n"));
}

TEST(Rates, RefusedJoin_CallsTheHandler) {
  for (const std::uint32_t reactors : {1U, 3U}) {
    ServerOptions options = quiet(reactors);
    options.rates.max_rooms_per_connection = 3;
    options.rates.max_rooms = 2;
    Rig rig(options);
    std::mutex mutex;
    std::vector<std::pair<std::string, JoinRefusal>> refused;
    test::Signal told;
    Handlers handlers;
    handlers.message = [](Connection& c, const Message& m) { c.join(m.payload); };
    handlers.join_refused = [&](Connection& c, std::string_view room, JoinRefusal why) {
      const std::lock_guard lock(mutex);
      refused.emplace_back(room, why);
      c.send_text("refused " + std::string(room));
      told.raise();
    };
    rig.server.route("/", handlers);
    rig.start();
    Peer peer = rig.open();
    for (const char* room : {"a", "b", "c"}) peer.send(client_frame(kText, room));
    ASSERT_TRUE(told.wait());
    {
      const std::lock_guard lock(mutex);
      ASSERT_EQ(refused.size(), 1U);
      EXPECT_EQ(refused[0].second, JoinRefusal::kServerLimit);
      if (reactors == 1) {
        EXPECT_EQ(refused[0].first, "c");
      }
    }
    EXPECT_TRUE(has(Rig::frame(peer).payload, "refused ")) << "the connection stays open";
  }
}

TEST(Rates, RefusedJoinWithoutHandler_ClosesWith1008) {
  ServerOptions options = quiet();
  options.rates.max_rooms_per_connection = 2;
  test::Signal closed;
  Rig rig(options);
  CloseInfo info;
  Handlers handlers;
  handlers.message = [](Connection& c, const Message& m) { c.join(m.payload); };
  handlers.close = [&](Connection& /*c*/, const CloseInfo& why) {
    info = why;
    closed.raise();
  };
  rig.server.route("/", handlers);
  rig.start();
  Peer peer = rig.open();
  for (const char* room : {"a", "b", "a", "c"}) peer.send(client_frame(kText, room));
  EXPECT_EQ(Rig::frame(peer).payload, test::close_payload(1008, "too many rooms"));
  peer.close();
  ASSERT_TRUE(closed.wait());
  EXPECT_EQ(info.cause, CloseCause::kRoomLimit);
}

// The data that the hook returns is available from the open handler on.
TEST(Rates, UpgradeData_IsTheConnectionsData) {
  struct Note final : ConnectionData {
    std::string text;
  };
  Rig rig;
  Handlers handlers;
  handlers.upgrade = [](const Request& request) {
    Upgrade verdict = Upgrade::accept();
    for (const std::string_view each : request.headers("x-note")) {
      auto note = std::make_unique<Note>();
      note->text = each;
      verdict.data = std::move(note);
    }
    return verdict;
  };
  handlers.open = [](Connection& c) {
    const Note* const note = c.data<Note>();
    c.send_text(note == nullptr ? "none" : note->text);
  };
  rig.server.route("/", handlers);
  rig.start();
  Peer peer = rig.open("/", "X-Note: first\r\nX-NOTE: second\r\n");
  EXPECT_EQ(Rig::frame(peer).payload, "second");
  Peer none = rig.open();
  EXPECT_EQ(Rig::frame(none).payload, "none");
}

TEST(Rates, RejectedOrigin_ResponseNamesAllowedOrigins) {
  ServerOptions options = quiet();
  options.upgrade.allowed_origins = {"https://*.good.example"};
  Rig rig(options);
  rig.server.route("/", {});
  rig.start();
  const std::string answer = rig.answer(upgrade_request("/", "Origin: https://good.example\r\n"));
  EXPECT_EQ(answer.find("HTTP/1.1 403 "), 0U);
  EXPECT_TRUE(has(answer,
                  "origin 'https://good.example' may not connect to host 'server.example.com'; "
                  "allowed origins: the same host, 'https://*.good.example'\n"))
      << answer;
  const Peer peer = rig.open("/", "Origin: https://a.good.example\r\n");
}

}  // namespace
}  // namespace wsd
