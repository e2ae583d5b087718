#include "net/connection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

using test::client_frame;
using test::close_payload;
using test::Peer;
using test::WireFrame;

void echo(Connection& connection, const Message& message) {
  static_cast<void>(connection.send(message.type, as_bytes(message.payload)));
}

SharedBytes text_frame(std::string_view text) {
  return protocol::make_frame(protocol::Opcode::kText, as_bytes(text));
}

// Opening

TEST(Connection, OpensAndEchoes) {
  ReactorRig rig;
  rig.app.handler = echo;
  Peer& peer = rig.open();
  EXPECT_EQ(rig.app.opened.size(), 1U);
  EXPECT_EQ(rig.counts.connections.load(), 1U);
  const Connection* const connection = rig.reactor().find(rig.app.opened[0]);
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->peer_info().remote(), "127.0.0.1:" + std::to_string(peer.local_port()));
  EXPECT_EQ(connection->peer_info().user(), "user");
  peer.send(client_frame(test::kText, "hello"));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kText, "hello"}));
  peer.send(client_frame(test::kBinary, std::string(200'000, 'b')));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kBinary, std::string(200'000, 'b')}));
}

TEST(Connection, FramesMayFollowTheRequestInOneSegment) {
  ReactorRig rig;
  rig.app.handler = echo;
  Peer& peer = rig.connect();
  peer.send(test::upgrade_request() + client_frame(test::kText, "1") +
            client_frame(test::kText, "2"));
  ASSERT_TRUE(rig.until([&] { return !peer.take_head().empty(); }));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kText, "1"}));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kText, "2"}));
}

TEST(Connection, ReadsTheSameByteByByte) {
  ReactorRig rig;
  rig.app.handler = echo;
  Peer& peer = rig.connect();
  const std::string bytes = test::upgrade_request() + client_frame(test::kText, "one", false) +
                            client_frame(test::kPing, "p") + client_frame(0, "two");
  for (const char each : bytes) {
    peer.send(std::string_view(&each, 1));
    rig.turn();
  }
  ASSERT_TRUE(rig.until([&] { return !peer.take_head().empty(); }));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kPong, "p"}));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kText, "onetwo"}));
}

TEST(Connection, PlainRequestsMayFollowEachOther) {
  ReactorRig rig;
  Peer& peer = rig.connect();
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  peer.send(request + request + request);
  ASSERT_TRUE(rig.until([&] { return rig.app.requests == 3; }));
  EXPECT_EQ(rig.counts.connections.load(), 1U);
  peer.shutdown_write();
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kHttpDone);
  EXPECT_FALSE(rig.app.ends[0].record.opened);
  EXPECT_EQ(rig.app.ends[0].record.http_status, 200);
  rig.expect_all_over(1);
}

TEST(Connection, ABadRequestIsAnsweredAndEnds) {
  ReactorRig rig;
  Peer& peer = rig.connect();
  peer.send("nonsense\r\n\r\n");
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  EXPECT_EQ(peer.input.find("HTTP/1.1 400 "), 0U);
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kHandshakeRejected);
  EXPECT_NE(rig.app.ends[0].record.violation, protocol::Violation::kNone);
}

TEST(Connection, ARequestThatIsNotCompleteInTimeIsAnswered408) {
  ReactorSettings settings = calm_settings();
  settings.handshake_timeout = 3;
  ReactorRig rig(settings);
  Peer& peer = rig.connect();
  peer.send("GET / HT");
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  EXPECT_EQ(peer.input.find("HTTP/1.1 408 "), 0U);
  EXPECT_EQ(rig.end().record.http_status, 408);
}

TEST(Connection, APeerThatAsksNothingIsLetGo) {
  ReactorSettings settings = calm_settings();
  settings.handshake_timeout = 3;
  ReactorRig rig(settings);
  Peer& peer = rig.connect();
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  EXPECT_EQ(peer.input, "");
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kHandshakeTimeout);
}

// The peer ends the connection

TEST(Connection, AHalfClosedPeerGetsItsAnswerAndThenTheEnd) {
  ReactorRig rig;
  rig.app.handler = echo;
  Peer& peer = rig.open();
  peer.send(client_frame(test::kText, "last"));
  peer.shutdown_write();
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kText, "last"}));
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kEof);
  EXPECT_EQ(end.record.close.received, CloseCode::kAbnormalClosure);
  EXPECT_FALSE(end.record.close.clean);
  EXPECT_TRUE(end.record.opened);
  EXPECT_EQ(end.record.messages_in, 1U);
  EXPECT_EQ(end.record.messages_out, 1U);
  rig.expect_all_over(1);
}

// Data and FIN announced in one event: the read is short, and no other edge will come.
TEST(Connection, AnEndThatCameWithTheLastBytesIsNoticed) {
  for (int phase = 0; phase < 3; ++phase) {
    ReactorRig rig;
    rig.app.handler = echo;
    Peer& peer = phase == 0 ? rig.connect() : rig.open();
    if (phase == 0) peer.send("GET / HTTP/1.1\r\nHo");
    if (phase == 1) peer.send(client_frame(test::kText, "x"));
    if (phase == 2)
      peer.send(client_frame(test::kText, std::string(50'000, 'x')).substr(0, 40'000));
    peer.shutdown_write();
    EXPECT_EQ(rig.end().record.close.cause, CloseCause::kEof) << phase;
    rig.expect_all_over(1);
  }
}

TEST(Connection, AResetIsReportedAsOne) {
  ReactorRig rig;
  Peer& peer = rig.open();
  peer.reset();
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kReset);
  EXPECT_FALSE(end.record.close.clean);
  rig.expect_all_over(1);
}

TEST(Connection, ThePeersCloseIsEchoedAndTheServerEndsFirst) {
  ReactorRig rig;
  Peer& peer = rig.open();
  peer.send(client_frame(test::kClose, close_payload(3001, "done")));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kClose, close_payload(3001, "done")}));
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kPeerClosed);
  EXPECT_TRUE(end.record.close.clean);  // RFC 6455 §7.1.4
  EXPECT_EQ(static_cast<int>(end.record.close.received), 3001);
  EXPECT_EQ(static_cast<int>(end.record.close.sent), 3001);
  EXPECT_EQ(end.reason, "done");
  peer.close();
  rig.expect_all_over(1);
}

TEST(Connection, ACloseWithoutACodeIsAnsweredWithoutOne) {
  ReactorRig rig;
  Peer& peer = rig.open();
  peer.send(client_frame(test::kClose, ""));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kClose, ""}));
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.received, CloseCode::kNoStatus);
  EXPECT_EQ(end.record.close.sent, CloseCode::kNoStatus);
  EXPECT_TRUE(end.record.close.clean);
}

TEST(Connection, Rfc6455_7_1_7_AViolationIsToldAndEndsTcp) {
  ReactorRig rig;
  Peer& peer = rig.open();
  peer.send(test::server_frame(test::kText, "not masked"));
  const WireFrame frame = rig.frame(peer);
  EXPECT_EQ(frame.opcode, test::kClose);
  EXPECT_EQ(frame.payload.substr(0, 2), close_payload(1002));
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kProtocolError);
  EXPECT_EQ(end.record.violation, protocol::Violation::kNotMasked);
  EXPECT_FALSE(end.record.close.clean);
}

// The application ends the connection

TEST(Connection, Rfc6455_7_1_2_AHandlerMayCloseWithinAMessage) {
  ReactorRig rig;
  rig.app.handler = [](Connection& connection, const Message& message) {
    echo(connection, message);
    connection.close(CloseCause::kApplicationClosed, static_cast<CloseCode>(4000), "enough");
    EXPECT_EQ(connection.send(MessageType::kText, as_bytes("late")), SendResult::kClosed);
    EXPECT_FALSE(connection.open());
  };
  Peer& peer = rig.open();
  peer.send(client_frame(test::kText, "1") + client_frame(test::kText, "2") +
            client_frame(test::kPing, "p"));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kText, "1"}));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kClose, close_payload(4000, "enough")}));
  rig.turn();
  EXPECT_EQ(rig.app.messages, std::vector<std::string>{"1"});
  EXPECT_TRUE(rig.app.ends.empty());  // the peer's Close is still missing
  peer.send(client_frame(test::kClose, close_payload(4000)));
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kApplicationClosed);
  EXPECT_TRUE(end.record.close.clean);
  EXPECT_EQ(static_cast<int>(end.record.close.sent), 4000);
  EXPECT_EQ(peer.input, "") << "nothing after Close";
}

TEST(Connection, AHandlerMayCloseAsItOpens) {
  ReactorRig rig;
  rig.app.open = [](Connection& connection) {
    connection.close(CloseCause::kApplicationClosed, CloseCode::kTryAgainLater, "");
  };
  Peer& peer = rig.connect();
  peer.send(test::upgrade_request() + client_frame(test::kText, "unheard"));
  ASSERT_TRUE(rig.until([&] { return !peer.take_head().empty(); }));
  EXPECT_EQ(rig.frame(peer), (WireFrame{test::kClose, close_payload(1013)}));
  EXPECT_TRUE(rig.app.messages.empty());
  peer.close();
  rig.expect_all_over(1);
}

TEST(Connection, ACloseThatIsNotAnsweredTimesOut) {
  ReactorSettings settings = calm_settings();
  settings.close_timeout = 3;
  ReactorRig rig(settings);
  rig.app.open = [](Connection& connection) {
    connection.close(CloseCause::kApplicationClosed, CloseCode::kNormalClosure, "");
  };
  Peer& peer = rig.open();
  EXPECT_EQ(rig.frame(peer).opcode, test::kClose);
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kCloseTimeout);
  // Without a reset, which could destroy bytes that the peer's application has not read yet.
  EXPECT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  rig.expect_all_over(1);
}

TEST(Connection, Rfc6455_7_1_4_AnEofInsteadOfACloseIsNotClean) {
  ReactorRig rig;
  rig.app.open = [](Connection& connection) {
    connection.close(CloseCause::kApplicationClosed, CloseCode::kNormalClosure, "");
  };
  Peer& peer = rig.open();
  peer.shutdown_write();
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kApplicationClosed);
  EXPECT_FALSE(end.record.close.clean);
  rig.expect_all_over(1);
}

TEST(Connection, AHandlerMayFailOrAbortItsOwn) {
  for (const bool abort : {false, true}) {
    ReactorRig rig;
    rig.app.handler = [abort](Connection& connection, const Message& message) {
      echo(connection, message);
      if (abort) {
        connection.reset(CloseCause::kServerStopped);
      } else {
        connection.fail(CloseCause::kHandlerError, CloseCode::kInternalError, "internal error");
      }
    };
    Peer& peer = rig.open();
    peer.send(client_frame(test::kText, "1") + client_frame(test::kText, "2"));
    EXPECT_EQ(rig.end().record.close.cause,
              abort ? CloseCause::kServerStopped : CloseCause::kHandlerError);
    EXPECT_EQ(rig.app.messages.size(), 1U);
    ASSERT_TRUE(rig.until([&] { return peer.end() != Peer::End::kOpen; }));
    EXPECT_EQ(peer.end(), abort ? Peer::End::kReset : Peer::End::kFin);
    peer.close();
    rig.expect_all_over(1);
  }
}

// Back-pressure

TEST(Connection, APeerThatDoesNotReadIsNotReadEither) {
  ReactorSettings settings = calm_settings();
  settings.send_queue = {400'000, 10'000, SlowPolicy::kDisconnect};
  ReactorRig rig(settings);
  std::size_t most = 0;
  rig.app.handler = [&](Connection& connection, const Message& message) {
    echo(connection, message);
    most = std::max(most, connection.queued_bytes());
  };
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  constexpr int kMessages = 8000;
  std::string bytes;
  for (int i = 0; i < kMessages; ++i) {
    bytes += client_frame(test::kText, std::to_string(i) + std::string(1000, 'x'));
  }
  peer.send(bytes);
  // Until the server has paused reading, with more input to read.
  std::size_t before = 1;
  ASSERT_TRUE(rig.until([&] {
    const std::size_t now = rig.app.messages.size();
    const bool still = now == before && now > 100;
    before = now;
    if (!still) rig.pass(3);
    return still;
  }));
  EXPECT_LT(rig.app.messages.size(), std::size_t{kMessages});
  EXPECT_LE(most, 400'000U);
  rig.set_deaf(peer, false);
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(rig.frame(peer).payload, std::to_string(i) + std::string(1000, 'x'));
  }
}

TEST(Connection, MayEndWithinADelivery) {
  ReactorSettings settings = calm_settings();
  settings.send_queue = {50'000, 1000, SlowPolicy::kDisconnect};
  settings.close_timeout = 3;
  ReactorRig rig(settings);
  rig.app.open = [&](Connection& connection) { rig.shard().join(connection, "room"); };
  Peer& slow = rig.open(4096);
  Peer& quick = rig.open();
  rig.set_deaf(slow, true);
  std::size_t heard = 0;
  const std::string text(20'000, 'x');
  ASSERT_TRUE(rig.until([&] {
    static_cast<void>(rig.shard().publish("room", text_frame(text)));
    rig.turn();
    while (test::take_frame(quick.input)) ++heard;
    return !rig.app.ends.empty();
  }));
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kSlowConsumer);
  EXPECT_EQ(end.record.close.sent, CloseCode::kPolicyViolation);
  EXPECT_EQ(end.record.id, rig.app.opened[0]);
  EXPECT_GT(heard, 2U);
  EXPECT_TRUE(rig.until([&] { return rig.counts.connections.load() == 1; }));
  static_cast<void>(rig.shard().publish("room", text_frame("still here")));
  ASSERT_TRUE(rig.until([&] { return quick.input.ends_with("still here"); }));
  quick.close();
  rig.expect_all_over(2);
}

TEST(Connection, APeerThatTakesNothingForTooLongIsReset) {
  ReactorSettings settings = calm_settings();
  settings.write_timeout = 5;
  settings.close_timeout = 3;
  settings.send_queue.bytes = std::size_t{64} << 20;
  ReactorRig rig(settings);
  rig.app.open = [](Connection& connection) {
    const std::string large(20'000'000, 'x');
    ASSERT_EQ(connection.send(MessageType::kBinary, as_bytes(large)), SendResult::kTooBig);
    const std::string fits(10'000'000, 'x');
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(connection.send(MessageType::kBinary, as_bytes(fits)), SendResult::kSent);
    }
  };
  Peer& peer = rig.connect(4096);
  rig.set_deaf(peer, true);
  peer.send(test::upgrade_request());
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kWriteTimeout);
  rig.expect_all_over(1);
}

// The message timeout excludes the time during which reading is paused.
TEST(Connection, TheMessageDeadlineStandsStillWhileThePeerIsNotRead) {
  ReactorSettings settings = calm_settings();
  settings.message_timeout = 20;
  settings.send_queue.bytes = std::size_t{4} << 20;
  ReactorRig rig(settings);
  rig.app.handler = [&](Connection& connection, const Message& message) {
    if (message.payload != "go") return;
    const std::string answer(1'000'000, 'x');
    while (connection.queued_bytes() <= settings.send_queue.high_water()) {
      ASSERT_EQ(connection.send(MessageType::kBinary, as_bytes(answer)), SendResult::kSent);
    }
  };
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  // Small, so that the deadline does not depend on how fast the rest of the message arrives.
  const std::string text(1000, 'm');
  const std::string bytes = client_frame(test::kText, "go") + client_frame(test::kText, text);
  // In one segment: the input that pauses reading, and the begin of a message.
  peer.send(bytes.substr(0, 100));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  peer.send(bytes.substr(100));
  rig.pass(60);
  ASSERT_TRUE(rig.app.ends.empty());
  rig.set_deaf(peer, false);
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 2 || !rig.app.ends.empty(); }));
  EXPECT_TRUE(rig.app.ends.empty()) << close_cause_name(rig.app.ends[0].record.close.cause);
  ASSERT_EQ(rig.app.messages.size(), 2U);
  EXPECT_TRUE(rig.app.messages[1] == text);
}

// A message that begins in the read step that pauses reading has its deadline after the pause.
TEST(Connection, AMessageThatBeganBeforeAPauseStillHasADeadline) {
  ReactorSettings settings = calm_settings();
  settings.message_timeout = 20;
  ReactorRig rig(settings);
  rig.app.handler = [&](Connection& connection, const Message&) {
    const std::string answer(100'000, 'x');
    while (connection.queued_bytes() <= settings.send_queue.high_water()) {
      ASSERT_EQ(connection.send(MessageType::kBinary, as_bytes(answer)), SendResult::kSent);
    }
  };
  Peer& peer = rig.open(4096);
  rig.set_deaf(peer, true);
  peer.send(client_frame(test::kText, "go") + client_frame(test::kText, "begun", false));
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
  rig.pass(40);
  ASSERT_TRUE(rig.app.ends.empty());
  rig.set_deaf(peer, false);
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kMessageTimeout);
}

// Deadlines of an open connection

TEST(Connection, AMessageThatIsNotCompletedInTimeEndsIt) {
  ReactorSettings settings = calm_settings();
  settings.message_timeout = 3;
  ReactorRig rig(settings);
  Peer& peer = rig.open();
  peer.send(client_frame(test::kText, "begun", false));
  EXPECT_EQ(rig.frame(peer).payload.substr(0, 2), close_payload(1008));
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kMessageTimeout);
}

TEST(Connection, ASilentPeerIsPingedAndThenGivenUp) {
  ReactorSettings settings = calm_settings();
  settings.heartbeat = {5, 5, 0};
  ReactorRig rig(settings);
  Peer& peer = rig.open();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(rig.frame(peer).opcode, test::kPing);
    peer.send(client_frame(test::kPong, ""));
  }
  EXPECT_TRUE(rig.app.ends.empty());
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kPongTimeout);
  const std::vector<WireFrame> frames = test::frames_of(peer.input);
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().payload.substr(0, 2), close_payload(1011));
}

TEST(Connection, ASilentPeerIsGivenUpAtTheReadTimeout) {
  ReactorSettings settings = calm_settings();
  settings.heartbeat = {0, 0, 5};
  ReactorRig rig(settings);
  Peer& peer = rig.open();
  EXPECT_EQ(rig.frame(peer).payload.substr(0, 2), close_payload(1008));
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kReadTimeout);
}

// Budgets

TEST(Connection, TooManyControlFramesEndIt) {
  ReactorSettings settings = calm_settings();
  settings.max_control_frames_per_second = 5;
  ReactorRig rig(settings);
  Peer& peer = rig.open();
  std::string pings;  // in one segment, so that all Pings arrive in one second
  for (int i = 0; i < 6; ++i) pings += client_frame(test::kPing, std::to_string(i));
  peer.send(pings);
  EXPECT_EQ(rig.end().record.violation, protocol::Violation::kTooManyControlFrames);
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kFin; }));
  const std::vector<WireFrame> frames = test::frames_of(peer.input);
  ASSERT_EQ(frames.size(), 6U);
  EXPECT_EQ(frames[4], (WireFrame{test::kPong, "4"}));
  EXPECT_EQ(frames[5].payload.substr(0, 2), close_payload(1008));
}

// Responses to a slow reader's own input pause reading, and do not end the connection. The limit of
// the send queue applies to messages from others. Each of these cases once exceeded the limit.
TEST(Connection, APeerThatDoesNotReadIsNeverTooSlowForItsOwnEchoes) {
  struct Case {
    const char* what;
    SendQueueLimits limits;
    std::vector<std::size_t> sizes;
    std::size_t read_buffer_size = std::size_t{64} << 10;
  };
  const SendQueueLimits few_bytes{4'096, 16'384, SlowPolicy::kDisconnect};
  const SendQueueLimits few_frames{std::size_t{1} << 20, 8, SlowPolicy::kDisconnect};
  for (const Case& each : {Case{"a cork's worth of small ones", few_bytes, {1'000}},
                           Case{"a large one and one behind it", few_bytes, {100'000, 10}},
                           Case{"many frames of few bytes", few_frames, {1}},
                           Case{"each many reads long", few_bytes, {5'000}, 64}}) {
    SCOPED_TRACE(each.what);
    ReactorSettings settings = calm_settings();
    settings.send_queue = each.limits;
    settings.read_buffer_size = each.read_buffer_size;
    ListenOptions small_socket;
    small_socket.send_buffer = std::size_t{16} << 10;
    ReactorRig rig(settings, 1, 65'536, small_socket);
    rig.app.handler = echo;
    Peer& peer = rig.open(4'096);
    rig.set_deaf(peer, true);
    constexpr std::size_t kBytes = std::size_t{1} << 20;  // more than the two socket buffers hold
    std::string bytes;
    std::size_t messages = 0;
    while (bytes.size() < kBytes) {
      const std::size_t size = each.sizes[messages++ % each.sizes.size()];
      bytes += client_frame(test::kBinary, std::string(size, 'e'));
    }
    peer.send(bytes);
    const Connection& connection = *rig.reactor().find(rig.app.opened[0]);
    ASSERT_TRUE(
        rig.until([&] { return connection.queued_bytes() != 0 && !connection.wants_read(); }));
    EXPECT_TRUE(rig.app.ends.empty());
    EXPECT_LT(rig.app.messages.size(), messages);
    rig.set_deaf(peer, false);
    std::size_t echoed = 0;
    EXPECT_TRUE(rig.until([&] {
      while (test::take_frame(peer.input)) ++echoed;
      return echoed == messages || !rig.app.ends.empty();
    }));
    EXPECT_EQ(echoed, messages);
  }
}

// The newcomer is small, and its message is complete in the end.
TEST(Connection, LargestHolderOfUnfinishedInput_EndsFirst) {
  for (const std::uint32_t reactors : {1U, 2U}) {
    ReactorSettings settings = calm_settings();
    settings.max_input_bytes = 100'000;
    ReactorRig rig(settings, reactors);
    std::vector<Peer*> hoarders;
    for (int i = 0; i < 3; ++i) hoarders.push_back(&rig.open());
    std::size_t held = 0;
    for (Peer* const each : hoarders) {
      const std::size_t size = each == hoarders[1] ? 40'000 : 20'000;
      each->send(client_frame(test::kText, std::string(size, 'x'), false));
      held += size;
      ASSERT_TRUE(rig.until([&] { return rig.counts.input.bytes() >= held; }));
    }
    Peer& newcomer = rig.open();
    newcomer.send(client_frame(test::kText, std::string(25'000, 'y'), false));
    EXPECT_EQ(rig.frame(*hoarders[1]).payload.substr(0, 2), close_payload(1013));
    EXPECT_EQ(rig.end().record.close.cause, CloseCause::kInputBudget);
    EXPECT_LE(rig.counts.input.bytes(), settings.max_input_bytes);
    newcomer.send(client_frame(0, "end"));
    ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == 1; }));
    EXPECT_EQ(rig.app.ends.size(), 1U);
    for (Peer* const each : hoarders) each->close();
    EXPECT_TRUE(rig.until([&] { return rig.counts.input.bytes() == 0; }));
  }
}

// A connection frees its incomplete input as soon as it closes. The Close frame and the peer's FIN
// may take a while, and the input would count against other connections.
TEST(Connection, AConnectionThatHasFailedHoldsNoInput) {
  ReactorSettings settings = calm_settings();
  settings.message_timeout = 5;
  ReactorRig rig(settings);
  Peer& peer = rig.open();
  peer.send(client_frame(test::kText, std::string(60'000, 'x'), false));
  ASSERT_TRUE(rig.until([&] { return rig.counts.input.bytes() >= 60'000; }));
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kMessageTimeout);
  EXPECT_EQ(rig.counts.connections.load(), 1U);
  EXPECT_EQ(rig.counts.input.bytes(), 0U);
}

}  // namespace
}  // namespace wsd::net
