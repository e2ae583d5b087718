// A peer that reads slowly, but steadily, is alive, although its answers come late.
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "net/connection.h"
#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

using test::client_frame;
using test::Peer;

constexpr std::size_t kSize = 3'000'000;  // one message

void send_large(Connection& connection, const Message& /*message*/) {
  ASSERT_EQ(connection.send(MessageType::kBinary, as_bytes(std::string(kSize, 'b'))),
            SendResult::kSent);
}

// Reads the large message, some bytes at a time. Pongs cannot come before it.
void download(ReactorRig& rig, Peer& peer, std::size_t at_once, Tick least) {
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go"));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  const Tick begin = rig.shard().wheel().now();
  while (peer.input.size() < kSize + 10 && peer.end() == Peer::End::kOpen) {
    rig.pass(2);
    peer.pump(at_once);
  }
  EXPECT_GT(rig.shard().wheel().now() - begin, least);
  EXPECT_EQ(peer.end(), Peer::End::kOpen);
  for (const EndNote& each : rig.app.ends) {
    ADD_FAILURE() << "ended as " << close_cause_name(each.record.close.cause);
  }
}

ReactorSettings settings_with(hub::HeartbeatTicks heartbeat) {
  ReactorSettings settings = calm_settings();
  settings.heartbeat = heartbeat;
  settings.send_queue.bytes = std::size_t{16} << 20;
  return settings;
}

TEST(ConnectionProgress, SlowDownload_IsNotEndedByThePongTimeout) {
  ReactorRig rig(settings_with({20, 20, 40}));
  rig.app.handler = send_large;
  Peer& peer = rig.open(65'536);
  download(rig, peer, 32 << 10, 100);
}

TEST(ConnectionProgress, SlowDownload_IsNotEndedByTheReadTimeout) {
  ReactorRig rig(settings_with({0, 0, 20}));
  rig.app.handler = send_large;
  Peer& peer = rig.open(65'536);
  download(rig, peer, 32 << 10, 100);
  // Once it has everything, it has to send something.
  rig.set_deaf(peer, false);
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kReadTimeout);
}

// The kernel takes no byte until a third of its large buffer is free.
TEST(ConnectionProgress, SlowDownload_IsNotEndedByTheWriteTimeout) {
  ReactorSettings settings = settings_with({});
  settings.write_timeout = 20;
  ListenOptions large_buffer;
  large_buffer.send_buffer = std::size_t{200} << 10;
  ReactorRig rig(settings, 1, 65'536, large_buffer);
  rig.app.handler = send_large;
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go"));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  const Tick end = rig.shard().wheel().now() + 10 * settings.write_timeout;
  while (rig.shard().wheel().now() < end) {
    rig.pass(2);
    peer.pump(2048);
  }
  EXPECT_EQ(peer.end(), Peer::End::kOpen);
  EXPECT_TRUE(rig.app.ends.empty());
  // Then it stops.
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kWriteTimeout);
}

// Unix sockets count what is not acknowledged in other units.
TEST(ConnectionProgress, SlowDownloadOverAUnixSocket_IsNotEndedByThePongTimeout) {
  const std::string path = "/tmp/wsd-progress-" + std::to_string(::getpid()) + ".sock";
  ListenAddress address;
  ASSERT_EQ(parse_listen_address("unix:" + path, address), "");
  Listener listener;
  ASSERT_EQ(listener.open(address, 1, {}), "");
  ReactorRig rig(settings_with({20, 20, 40}));
  ASSERT_TRUE(rig.reactor().listen(listener));
  rig.app.handler = send_large;
  Peer peer = Peer::unix_socket(path);
  peer.send(test::upgrade_request() + client_frame(test::kText, "go"));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  while (peer.input.size() < kSize + 10 && peer.end() == Peer::End::kOpen) {
    rig.pass(2);
    peer.pump(32 << 10);
  }
  EXPECT_TRUE(rig.app.ends.empty());
  EXPECT_EQ(peer.end(), Peer::End::kOpen);
  ::unlink(path.c_str());
}

// It has read nothing for a whole pong timeout.
TEST(ConnectionProgress, PeerThatStopsReading_IsEndedByThePongTimeout) {
  ReactorRig rig(settings_with({10, 10, 0}));
  rig.app.handler = send_large;
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go"));
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kPongTimeout);
}

// A proxy acknowledges everything at once, and its client is slow: the Pong gets more time for what
// was sent before the Ping, up to a limit. This peer reads everything and never answers.
TEST(ConnectionProgress, MuchOutputBeforeThePing_GivesThePongMoreTime) {
  for (const bool much : {false, true}) {
    SCOPED_TRACE(much);
    constexpr Tick kTimeout = 10;
    ReactorRig rig(settings_with({10, kTimeout, 0}));
    rig.app.handler = [much](Connection& connection, const Message& message) {
      if (much) send_large(connection, message);
    };
    Peer& peer = rig.open();
    peer.send(client_frame(test::kText, "go"));
    const auto last_frame = [&] {
      int opcode = 0;
      while (const auto frame = test::take_frame(peer.input)) opcode = frame->opcode;
      return opcode;
    };
    ASSERT_TRUE(rig.until([&] { return last_frame() == test::kPing; }));
    const Tick pinged = rig.shard().wheel().now();
    EXPECT_EQ(rig.end().record.close.cause, CloseCause::kPongTimeout);
    const Tick waited = rig.shard().wheel().now() - pinged;
    constexpr Tick kMost = 8 * kTimeout;
    if (much) {
      EXPECT_GE(waited + 2, kMost);
    } else {
      EXPECT_LT(waited, kMost);
    }
  }
}

// A slow reader of one response must not lose the next response on the same connection.
TEST(ConnectionProgress, SlowReaderOfAResponse_MaySendAnotherRequest) {
  ReactorSettings settings = calm_settings();
  settings.handshake_timeout = 20;
  settings.send_queue.bytes = std::size_t{1} << 20;
  ListenOptions small_buffer;
  small_buffer.send_buffer = std::size_t{64} << 10;
  ReactorRig rig(settings, 1, 65'536, small_buffer);
  Peer& peer = rig.connect(4096);
  rig.set_deaf(peer, true);
  std::string requests;
  constexpr std::size_t kPages = 3000;
  for (std::size_t i = 0; i < kPages; ++i) requests += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  peer.send(requests);
  ASSERT_TRUE(rig.until([&] { return rig.app.requests == static_cast<int>(kPages); }));
  const Tick begin = rig.shard().wheel().now();
  std::size_t before = 1;
  while (peer.input.size() != before && peer.end() == Peer::End::kOpen) {
    before = peer.input.size();
    rig.pass(3);
    peer.pump(2048);
  }
  EXPECT_GT(rig.shard().wheel().now() - begin, 3 * settings.handshake_timeout);
  EXPECT_TRUE(rig.app.ends.empty());
  peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(rig.until([&] { return rig.app.requests == static_cast<int>(kPages) + 1; }));
}

}  // namespace
}  // namespace wsd::net
