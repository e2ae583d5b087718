// Closes with much output: nothing that was accepted before an orderly close is lost while the peer
// reads, and what is lost is reported.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/connection.h"
#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

using test::client_frame;
using test::close_payload;
using test::Peer;
using test::WireFrame;

constexpr std::size_t kSize = 100'000;
constexpr std::size_t kReadAtOnce = std::size_t{16} << 10;
constexpr Tick kBetweenReads = 2;

ReactorSettings roomy_settings() {
  ReactorSettings settings = calm_settings();
  settings.send_queue.bytes = std::size_t{16} << 20;
  return settings;
}

std::string numbered(std::size_t number) {
  std::string text(kSize, 'm');
  return text.replace(0, std::to_string(number).size(), std::to_string(number));
}

void echo(Connection& connection, const Message& message) {
  ASSERT_EQ(connection.send(message.type, as_bytes(message.payload)), SendResult::kSent);
}

// Sends `count` messages, and then closes.
auto send_and_close(std::size_t count) {
  return [count](Connection& connection, const Message& /*message*/) {
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(connection.send(MessageType::kText, as_bytes(numbered(i))), SendResult::kSent);
    }
    connection.close(CloseCause::kApplicationClosed, CloseCode::kNormalClosure, "done");
  };
}

void expect_numbered(std::string bytes, std::size_t count, std::string_view close) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto frame = test::take_frame(bytes);
    ASSERT_TRUE(frame.has_value()) << i;
    ASSERT_TRUE(frame->payload == numbered(i)) << i;
  }
  EXPECT_EQ(test::take_frame(bytes), (WireFrame{test::kClose, std::string(close)}));
  EXPECT_EQ(bytes, "");
}

TEST(ConnectionClose, ApplicationClose_ComesAfterAllMessages) {
  constexpr std::size_t kMessages = 60;
  ReactorRig rig(roomy_settings());
  rig.app.handler = send_and_close(kMessages);
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go"));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  rig.pass(3);
  rig.set_deaf(peer, false);
  const std::size_t whole = kMessages * (kSize + 10) + 8;
  ASSERT_TRUE(rig.until([&] { return peer.input.size() >= whole; }));
  expect_numbered(peer.input, kMessages, close_payload(1000, "done"));
  peer.send(client_frame(test::kClose, close_payload(1000)));
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  peer.close();
  const EndNote end = rig.end();
  EXPECT_TRUE(end.record.close.clean);
  EXPECT_EQ(end.record.messages_out, kMessages);
  EXPECT_EQ(end.record.messages_dropped, 0U);
  EXPECT_EQ(end.record.bytes_undelivered, 0U);
}

// The close timeout is a small part of the time that the peer needs.
TEST(ConnectionClose, SlowReader_OutlastsTheCloseTimeout) {
  constexpr std::size_t kMessages = 20;
  ReactorSettings settings = roomy_settings();
  settings.close_timeout = 20;
  ReactorRig rig(settings);
  rig.app.handler = send_and_close(kMessages);
  Peer& peer = rig.open(65'536);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go"));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  const std::size_t whole = kMessages * (kSize + 10) + 8;
  const Tick begin = rig.shard().wheel().now();
  while (peer.input.size() < whole && peer.end() == Peer::End::kOpen) {
    rig.pass(kBetweenReads);
    peer.pump(kReadAtOnce);
  }
  EXPECT_GT(rig.shard().wheel().now() - begin, 5 * settings.close_timeout);
  expect_numbered(peer.input, kMessages, close_payload(1000, "done"));
  EXPECT_TRUE(rig.app.ends.empty());
}

// Requests and a Close together: the responses to what came before the Close go first.
TEST(ConnectionClose, PeersClose_IsEchoedAfterTheResponsesToItsRequests) {
  constexpr std::size_t kMessages = 40;
  ReactorSettings settings = calm_settings();
  settings.close_timeout = 20;
  ReactorRig rig(settings);
  rig.app.handler = echo;
  Peer& peer = rig.open(65'536);
  rig.set_deaf(peer, true);
  std::string bytes;
  for (std::size_t i = 0; i < kMessages; ++i) bytes += client_frame(test::kText, numbered(i));
  peer.send(bytes + client_frame(test::kClose, close_payload(3000, "bye")));
  const std::size_t whole = kMessages * (kSize + 10) + 7;
  while (peer.input.size() < whole && peer.end() == Peer::End::kOpen) {
    rig.pass(kBetweenReads);
    peer.pump(8 * kReadAtOnce);
  }
  expect_numbered(peer.input, kMessages, close_payload(3000, "bye"));
  ASSERT_TRUE(rig.until([&] {
    peer.pump();
    return peer.end() == Peer::End::kFin;
  }));
  peer.close();
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kPeerClosed);
  EXPECT_TRUE(end.record.close.clean);
  EXPECT_EQ(end.record.messages_out, kMessages);
}

// The kernel holds the rest, and the server has sent its FIN: closing the socket would destroy it.
TEST(ConnectionClose, SlowReader_GetsWhatTheKernelHolds) {
  constexpr std::size_t kMessages = 3;
  ReactorSettings settings = roomy_settings();
  settings.close_timeout = 200;
  ListenOptions large_buffer;
  large_buffer.send_buffer = std::size_t{200} << 10;
  ReactorRig rig(settings, 1, 65'536, large_buffer);
  rig.app.handler = send_and_close(kMessages);
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go") + client_frame(test::kClose, close_payload(1000)));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  rig.pass(3);
  EXPECT_TRUE(rig.app.ends.empty()) << "nobody knows yet whether the close is clean";
  const Tick begin = rig.shard().wheel().now();
  while (peer.end() == Peer::End::kOpen) {
    rig.pass(1);
    peer.pump(1024);
  }
  EXPECT_GT(rig.shard().wheel().now() - begin, 2 * ticks_for_ms(1000));
  EXPECT_EQ(peer.end(), Peer::End::kFin);
  expect_numbered(peer.input, kMessages, close_payload(1000, "done"));
  peer.close();
  EXPECT_TRUE(rig.end().record.close.clean);
}

TEST(ConnectionClose, PeerThatStopsReading_IsResetAndReportedAsNotClean) {
  constexpr std::size_t kMessages = 40;
  ReactorSettings settings = roomy_settings();
  settings.close_timeout = 5;
  ReactorRig rig(settings);
  rig.app.handler = send_and_close(kMessages);
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  // Both Close frames are there, but much output of the server is not sent.
  peer.send(client_frame(test::kText, "go") + client_frame(test::kClose, close_payload(1000)));
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kApplicationClosed);
  EXPECT_FALSE(end.record.close.clean);
  EXPECT_EQ(end.record.close.sent, CloseCode::kNoStatus) << "our Close frame never left";
  EXPECT_GT(end.record.messages_dropped, 0U);
  EXPECT_EQ(end.record.messages_out + end.record.messages_dropped, kMessages);
  EXPECT_GT(end.record.bytes_undelivered, kSize * end.record.messages_dropped / 2);
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() == 0; }));
  rig.set_deaf(peer, false);
  EXPECT_TRUE(rig.until([&] { return peer.end() == Peer::End::kReset; }));
  EXPECT_LT(peer.input.size(), kMessages * kSize);
}

TEST(ConnectionClose, PeerThatAnswersNothing_TimesOutAsNotClean) {
  ReactorSettings settings = roomy_settings();
  settings.close_timeout = 5;
  ReactorRig rig(settings);
  rig.app.handler = send_and_close(40);
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go"));
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kCloseTimeout);
  EXPECT_FALSE(end.record.close.clean);
  EXPECT_GT(end.record.bytes_undelivered, 0U);
}

// A drain ends each connection by an orderly close, and its own timeout is the only other limit.
TEST(ConnectionClose, Drain_WaitsForASlowReader) {
  constexpr std::size_t kMessages = 20;
  ReactorSettings settings = roomy_settings();
  settings.close_timeout = 20;
  ReactorRig rig(settings);
  rig.app.handler = [](Connection& connection, const Message& /*message*/) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      ASSERT_EQ(connection.send(MessageType::kText, as_bytes(numbered(i))), SendResult::kSent);
    }
  };
  Peer& peer = rig.open(65'536);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go"));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  rig.hub().command(Reactor::kDrain);
  const std::string close = close_payload(1001, "server going away");
  const std::size_t whole = kMessages * (kSize + 10) + 2 + close.size();
  while (peer.input.size() < whole && peer.end() == Peer::End::kOpen) {
    rig.pass(kBetweenReads);
    peer.pump(kReadAtOnce);
  }
  expect_numbered(peer.input, kMessages, close);
  peer.send(client_frame(test::kClose, close_payload(1001)));
  peer.shutdown_write();
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kDrain);
  EXPECT_TRUE(end.record.close.clean);
  EXPECT_EQ(rig.counts.forced_closes.load(), 0U);
}

TEST(ConnectionClose, DrainTimeout_EndsASlowReaderAndReportsTheLoss) {
  ReactorSettings settings = roomy_settings();
  settings.drain_timeout = 10;
  ReactorRig rig(settings);
  rig.app.handler = send_and_close(40);
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go") + client_frame(test::kClose, close_payload(1000)));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  rig.hub().command(Reactor::kDrain);
  const EndNote end = rig.end();
  EXPECT_FALSE(end.record.close.clean);
  EXPECT_GT(end.record.bytes_undelivered, 0U);
  EXPECT_EQ(rig.counts.forced_closes.load(), 1U);
}

// The peer would take the first bytes of the Close frame for an HTTP response.
TEST(ConnectionClose, NeitherKindOfClose_OvertakesHttpResponses) {
  for (const bool fails : {false, true}) {
    SCOPED_TRACE(fails);
    ListenOptions small_buffer;
    small_buffer.send_buffer = std::size_t{4} << 10;
    ReactorSettings settings = roomy_settings();
    ReactorRig rig(settings, 1, 65'536, small_buffer);
    rig.app.handler = [fails](Connection& connection, const Message& message) {
      ASSERT_EQ(connection.send(message.type, as_bytes(message.payload)), SendResult::kSent);
      ASSERT_GT(connection.queued_bytes(), 70'000U);
      if (fails) {
        connection.fail(CloseCause::kHandlerError, CloseCode::kInternalError, "");
      } else {
        connection.close(CloseCause::kApplicationClosed, CloseCode::kNormalClosure, "");
      }
    };
    Peer& peer = rig.connect(4096);
    rig.set_deaf(peer, true);
    std::string requests;
    constexpr int kPages = 3000;
    for (int i = 0; i < kPages; ++i) requests += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    peer.send(requests + test::upgrade_request() +
              client_frame(test::kText, std::string(70'000, 'm')));
    ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
    rig.set_deaf(peer, false);
    int pages = 0;
    std::string head;
    while (!head.starts_with("HTTP/1.1 101 ")) {
      ASSERT_TRUE(rig.until([&] { return !(head = peer.take_head()).empty(); }));
      if (!head.starts_with("HTTP/1.1 200 ")) continue;
      ++pages;
      ASSERT_TRUE(rig.until([&] { return peer.input.size() >= 4; }));
      EXPECT_EQ(peer.input.substr(0, 4), "page");
      peer.input.erase(0, 4);
    }
    EXPECT_EQ(pages, kPages);
    if (!fails) {
      EXPECT_EQ(rig.frame(peer).payload.size(), 70'000U);
    }
    EXPECT_EQ(rig.frame(peer).opcode, test::kClose);
  }
}

}  // namespace
}  // namespace wsd::net
