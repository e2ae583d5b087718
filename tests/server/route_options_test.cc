// Settings of routes: their checks, and their effect on connections.
#include "server/route_options.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "server/server_rig.h"
#include "wsd/version.h"

namespace wsd {
namespace {

using test::client_frame;
using test::close_payload;
using test::kClose;
using test::kPing;
using test::kText;
using test::Peer;
using test::quiet;
using test::ServerRig;

TEST(CheckRouteOptions, Defaults_AreAccepted) {
  EXPECT_EQ(check_route_options({}, {}), "");
  EXPECT_FALSE(server::has_settings({}));
}

TEST(CheckRouteOptions, InvalidValue_ErrorNamesTheFieldOfTheRoute) {
  struct Row {
    RouteOptions route;
    std::string begins;
  };
  const std::vector<Row> rows = {
      {{.max_message_bytes = 0}, "max_message_bytes must be from 1 byte to 1GiB, not 0 bytes"},
      {{.max_message_bytes = (std::size_t{1} << 30) + 1}, "max_message_bytes must be"},
      {{.max_message_bytes = std::size_t{1} << 30},
       "limits.max_output_bytes must be at least max_"
       "message_bytes (1073741824 bytes) plus send_"},
      {{.ping_interval_ms = 50'000},
       "read_timeout_ms must be 0 (off) or at least 70000ms, which is ping_interval_ms 50000ms"},
      {{.pong_timeout_ms = 50'000}, "read_timeout_ms must be"},
      {{.read_timeout_ms = 1}, "read_timeout_ms must be"},
      {{.max_messages_per_second = 1'000'001}, "max_messages_per_second must be at most 1000000"},
      {{.max_bytes_per_second = 1}, "max_bytes_per_second must be at least 1KiB"},
      {{.send_queue_bytes = 1023}, "send_queue_bytes must be at least 1KiB"},
      {{.send_queue_frames = 1}, "send_queue_frames must be at least 2"},
      {{.slow_policy = SlowPolicy::kLatestOnly}, "slow_policy does not accept latest-only"},
      {{.subprotocols = std::vector<std::string>{"a b"}}, "subprotocols 'a b' is not a token"},
  };
  for (const Row& row : rows) {
    const std::string error = check_route_options(row.route, {});
    EXPECT_EQ(error.substr(0, row.begins.size()), row.begins) << error;
    EXPECT_TRUE(row.route.subprotocols || server::has_settings(row.route)) << row.begins;
  }
}

TEST(CheckRouteOptions, OtherOptions_HaveTheNamesOfTheApplication) {
  ServerOptions options;
  options.option_name = [](std::string_view field) { return "--" + std::string(field); };
  EXPECT_EQ(check_route_options({.max_message_bytes = std::size_t{1} << 30}, options)
                .find("--limits.max_output_bytes must be at least max_message_bytes"),
            0U);
}

TEST(RouteOptions, BadOptions_FailTheStartAndNameTheRoute) {
  Server server(quiet());
  server.route("/good", {}, {});
  server.route("/rooms/{room}", {}, {.send_queue_frames = 1});
  ASSERT_EQ(server.listen("127.0.0.1:0"), "");
  EXPECT_EQ(server.start(),
            "in the options of the route /rooms/{room}, send_queue_frames must be at least 2, not "
            "1");
}

// Three routes: one with the server's settings, and two with their own.
class RouteSettings : public ::testing::Test {
 protected:
  RouteSettings() : rig(options()) {
    Handlers echo;
    echo.message = [](Connection& from, const Message& message) { from.send(message); };
    rig.server.route("/plain", echo);
    rig.server.route("/small", echo,
                     {.max_message_bytes = 10,
                      .max_messages_per_second = 3,
                      .deflate = DeflateMode::kOff,
                      .subprotocols = std::vector<std::string>{"small"}});
    rig.server.route("/large", echo,
                     {.max_message_bytes = 5'000, .subprotocols = std::vector<std::string>{}});
    rig.start();
  }
  static ServerOptions options() {
    ServerOptions options = quiet(1);
    options.limits.max_message_bytes = 1'000;
    options.upgrade.subprotocols = {"plain"};
    return options;
  }
  // Returns the first frame that answers a message of that size.
  [[nodiscard]] test::WireFrame answer(std::string_view path, std::size_t size) const {
    Peer peer = rig.open(path);
    peer.send(client_frame(kText, std::string(size, 'x')));
    return ServerRig::frame(peer);
  }
  [[nodiscard]] std::string head(std::string_view path, std::string_view fields) const {
    Peer peer = rig.connect();
    peer.send(test::upgrade_request(path, fields));
    return ServerRig::read_head(peer);
  }
  ServerRig rig;
};

TEST_F(RouteSettings, MessageLimit_IsThatOfTheRoute) {
  EXPECT_EQ(answer("/plain", 1'000).opcode, kText);
  EXPECT_EQ(answer("/plain", 1'001).payload.substr(0, 2), close_payload(1009));
  EXPECT_EQ(answer("/small", 10).opcode, kText);
  EXPECT_EQ(answer("/small", 11).payload.substr(0, 2), close_payload(1009));
  EXPECT_EQ(answer("/large", 5'001).payload.substr(0, 2), close_payload(1009));
}

// The limit of what is sent is the server's, so the echo of the large message is not sent.
TEST_F(RouteSettings, LargeMessageIsReceived_AndSentWithinTheServersLimit) {
  Peer peer = rig.open("/large");
  peer.send(client_frame(kText, std::string(5'000, 'x')) + client_frame(kText, "after"));
  EXPECT_EQ(ServerRig::frame(peer).payload, "after");
}

TEST_F(RouteSettings, PipelinedMessage_HasTheLimitOfTheRoute) {
  Peer peer = rig.connect();
  peer.send(test::upgrade_request("/small") + client_frame(kText, std::string(11, 'x')));
  EXPECT_EQ(ServerRig::read_head(peer).find("HTTP/1.1 101 "), 0U);
  EXPECT_EQ(ServerRig::frame(peer).payload.substr(0, 2), close_payload(1009));
}

TEST_F(RouteSettings, MessageRate_IsThatOfTheRoute) {
  std::string four;
  for (int i = 0; i < 4; ++i) four += client_frame(kText, "x");
  Peer limited = rig.open("/small");
  limited.send(four);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ServerRig::frame(limited).opcode, kText);
  EXPECT_EQ(ServerRig::frame(limited).payload.substr(0, 2), close_payload(1008));
  Peer free = rig.open("/plain");
  free.send(four);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ServerRig::frame(free).opcode, kText);
}

TEST_F(RouteSettings, Subprotocols_AreThoseOfTheRoute) {
  const std::string offer = "Sec-WebSocket-Protocol: small, plain\r\n";
  EXPECT_NE(head("/plain", offer).find("Sec-WebSocket-Protocol: plain\r\n"), std::string::npos);
  EXPECT_NE(head("/small", offer).find("Sec-WebSocket-Protocol: small\r\n"), std::string::npos);
  EXPECT_EQ(head("/large", offer).find("Sec-WebSocket-Protocol"), std::string::npos);
}

TEST_F(RouteSettings, Compression_IsThatOfTheRoute) {
  if (deflate_library().empty()) GTEST_SKIP() << "built without zlib";
  const std::string offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  EXPECT_NE(head("/plain", offer).find("permessage-deflate"), std::string::npos);
  EXPECT_EQ(head("/small", offer).find("permessage-deflate"), std::string::npos);
}

TEST(RouteHeartbeat, PingInterval_IsThatOfTheRoute) {
  ServerOptions options = quiet(1);
  options.heartbeat = {0, 0, 0};
  ServerRig rig(options);
  rig.server.route("/quiet", {});
  rig.server.route("/pinged", {}, {.ping_interval_ms = 50, .pong_timeout_ms = 60'000});
  rig.start();
  Peer quiet_peer = rig.open("/quiet");
  Peer pinged = rig.open("/pinged");
  EXPECT_EQ(ServerRig::frame(pinged).opcode, kPing);
  quiet_peer.wait_and_pump();
  EXPECT_TRUE(quiet_peer.input.empty()) << "the interval of the other route has passed";
}

TEST(RouteQueue, SlowPolicy_IsThatOfTheRoute) {
  std::atomic<int> refused{0};
  std::atomic<int> dropped{0};
  ServerRig rig(quiet(1));
  const auto flood = [](std::atomic<int>& count, SendResult wanted) {
    Handlers handlers;
    handlers.message = [&count, wanted](Connection& from, const Message&) {
      const std::string block(std::size_t{1} << 20, 'x');
      for (int i = 0; i < 64; ++i) {
        if (from.send_binary(block) == wanted) ++count;
      }
    };
    return handlers;
  };
  rig.server.route("/closes", flood(refused, SendResult::kClosed));
  rig.server.route("/drops", flood(dropped, SendResult::kDropped),
                   {.send_queue_bytes = 4'096, .slow_policy = SlowPolicy::kDropNewest});
  rig.start();
  Peer closes = rig.open("/closes");
  Peer drops = rig.open("/drops");
  closes.send(client_frame(kText, "go"));
  drops.send(client_frame(kText, "go"));
  EXPECT_TRUE(test::until([&] { return refused.load() > 0 && dropped.load() > 0; },
                          [] { std::this_thread::yield(); }));
}

}  // namespace
}  // namespace wsd
