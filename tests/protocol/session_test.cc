#include "protocol/session.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame_check.h"
#include "protocol/frame_support.h"

namespace wsd::protocol {
namespace {

using namespace std::string_literals;  // NOLINT: payloads with NUL

// The opening handshake and the bytes after it

TEST(Session, Rfc6455_4_2_2_FramesInTheSameInputAsTheRequest) {
  expect_events(
      upgrade_request() + text_frame("Hello") + ping_frame("p") + close_frame(1000, "bye"),
      {"request GET /echo h", "text Hello", "ping p", "close 1000 bye"}, {}, Player::Start::kFresh);
}

TEST(Session, Rfc9112_9_3_SeveralRequestsThenAnUpgrade) {
  expect_events(
      "GET /a HTTP/1.1\r\nHost: one\r\n\r\nGET /b?q HTTP/1.1\r\nHost: two\r\n\r\n" +
          upgrade_request("/rooms/x") + text_frame("1") + text_frame("2"),
      {"request GET /a one", "request GET /b?q two", "request GET /rooms/x h", "text 1", "text 2"},
      {}, Player::Start::kFresh);
}

TEST(Session, NothingIsReadAfterTheLastRequest) {
  const Outcome outcome = play_every_way(
      "GET /last HTTP/1.1\r\nHost: h\r\n\r\n" + upgrade_request() + text_frame("never"), {},
      Player::Start::kFresh);
  EXPECT_EQ(outcome.events, Events{"request GET /last h"});
  EXPECT_FALSE(outcome.reading);
  EXPECT_FALSE(outcome.unfinished);
}

TEST(Session, NothingIsReadAfterARefusedRequest) {
  const Outcome outcome = play_every_way(
      "GET / HTTP/1.1\r\nBad Name: 1\r\n\r\n" + upgrade_request(), {}, Player::Start::kFresh);
  EXPECT_EQ(outcome.events, Events{"violation BadFieldName"});
  EXPECT_FALSE(outcome.reading);
}

TEST(Session, TheHeadLimitHoldsInEveryCut) {
  const SessionLimits limits{.head = {.max_head_bytes = 120}, .message = {}};
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  expect_events(head + std::string(200, 'x') + "\r\n\r\n", {"violation HeadTooLong"}, limits,
                Player::Start::kFresh);
  const std::string fits = head + std::string(120 - head.size() - 4, 'x') + "\r\n\r\n";
  expect_events(fits + fits, {"request GET / h", "request GET / h"}, limits, Player::Start::kFresh);
}

TEST(Session, Rfc6455_5_1_ARequestAfterTheUpgradeIsNoFrame) {
  // 'G' is FIN=0 with RSV1 set.
  expect_violation(upgrade_request(), Violation::kReservedBit);
}

TEST(Session, ARequestIsUnfinishedFromItsFirstByteToItsAnswer) {
  Player player({}, Player::Start::kFresh);
  EXPECT_FALSE(player.session().unfinished());
  EXPECT_EQ(player.session().held_bytes(), 0U);
  player.play("\r\n");
  EXPECT_FALSE(player.session().unfinished()) << "an empty line before a request is nothing yet";
  player.play("GET /a HT");
  EXPECT_TRUE(player.session().unfinished());
  EXPECT_GE(player.session().held_bytes(), 9U);
  player.play("TP/1.1\r\nHost: h\r\nX: " + std::string(1000, 'x') + "\r\n\r\n");
  EXPECT_FALSE(player.session().unfinished());
  EXPECT_EQ(player.session().held_bytes(), 0U);
}

// Frames

TEST(Session, Rfc6455_5_7_Examples) {
  expect_events("\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58", {"text Hello"});
  expect_events("\x8A\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58", {"pong Hello"});
  expect_events(text_frame("Hel", false) + continuation_frame("lo", true), {"text Hello"});
  expect_events(binary_frame(std::string(256, 'b')), {binary_word(std::string(256, 'b'))});
}

TEST(Session, Rfc6455_5_2_EveryLengthFormCarriesAMessage) {
  for (const std::size_t size : {0U, 1U, 124U, 125U, 126U, 127U, 300U}) {
    const std::string payload(size, 'x');
    expect_events(text_frame(payload) + binary_frame(payload),
                  {text_word(payload), binary_word(payload)});
  }
  for (const std::size_t size : {65534U, 65535U, 65536U, 65537U}) {
    const std::string payload(size, 'x');
    Player player;
    player.play(text_frame(payload)).play(binary_frame(payload));
    EXPECT_EQ(player.events(), (Events{text_word(payload), binary_word(payload)}));
  }
}

TEST(Session, Rfc6455_5_3_EveryMaskingKeyByteIsUsed) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (std::size_t at = 0; at < 4; ++at) {
      ClientFrame frame{.payload = "masking"};
      frame.key[at] = static_cast<std::uint8_t>(byte);
      Player player;
      ASSERT_EQ(player.play(frame.wire()).events(), Events{"text masking"});
    }
  }
}

TEST(Session, Rfc6455_5_ViolationIsReportedAtItsSecondByte) {
  for (const bool in_message : {false, true}) {
    for (unsigned pair = 0; pair < 65536; ++pair) {
      const std::string bytes{static_cast<char>(pair >> 8), static_cast<char>(pair & 0xFF)};
      const Violation violation = check_frame_start(
          decode_frame_start(static_cast<std::uint8_t>(pair >> 8), static_cast<std::uint8_t>(pair)),
          in_message);
      Player player;
      if (in_message) player.play(binary_frame("", false));
      player.play(bytes.substr(0, 1));
      ASSERT_TRUE(player.events().empty());
      player.play(bytes.substr(1));
      ASSERT_EQ(player.events(),
                violation == Violation::kNone ? Events{} : Events{violation_word(violation)})
          << pair << ' ' << in_message;
      ASSERT_EQ(player.session().reading(), violation == Violation::kNone) << pair;
    }
  }
}

TEST(Session, Rfc6455_5_HeaderViolationsInEveryCut) {
  const std::string tail = "whatever follows is not read";
  expect_violation(ClientFrame{.payload = "x", .masked = false}.wire() + tail,
                   Violation::kNotMasked);
  expect_violation(ClientFrame{.opcode = 9, .masked = false}.wire() + tail, Violation::kNotMasked);
  for (const int rsv : {1, 2, 4, 7}) {
    expect_violation(ClientFrame{.payload = "x", .rsv = rsv}.wire() + tail,
                     Violation::kReservedBit);
  }
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    expect_violation(ClientFrame{.opcode = opcode}.wire() + tail, Violation::kReservedOpcode);
  }
  for (const int opcode : {8, 9, 10}) {
    expect_violation(ClientFrame{.opcode = opcode, .fin = false}.wire() + tail,
                     Violation::kControlFragmented);
    expect_violation(ClientFrame{.opcode = opcode, .payload = std::string(126, 'x')}.wire(),
                     Violation::kControlTooLong);
  }
  expect_violation(continuation_frame("x", true) + tail, Violation::kUnexpectedContinuation);
  expect_violation(continuation_frame("x", false) + tail, Violation::kUnexpectedContinuation);
}

TEST(Session, Rfc6455_5_2_LengthViolationsInEveryCut) {
  const std::string tail(20, 'x');
  for (const std::uint64_t length : {0U, 1U, 125U}) {
    expect_violation(ClientFrame{.form = LengthForm::k16Bit, .announced = length}.header() + tail,
                     Violation::kLengthNotMinimal);
  }
  for (const std::uint64_t length : {0U, 1U, 125U, 126U, 65535U}) {
    expect_violation(ClientFrame{.form = LengthForm::k64Bit, .announced = length}.header() + tail,
                     Violation::kLengthNotMinimal);
  }
  constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;
  for (const std::uint64_t length : {kTopBit, kTopBit + 1, ~std::uint64_t{0}, ~std::uint64_t{3}}) {
    expect_violation(ClientFrame{.announced = length}.header() + tail, Violation::kLengthTopBit);
  }
}

TEST(Session, Rfc6455_5_4_FragmentsWithControlFramesBetween) {
  expect_events(text_frame("one ", false) + ping_frame("a") + continuation_frame("two ", false) +
                    pong_frame("b") + ping_frame() + continuation_frame("", false) +
                    ping_frame(std::string(125, 'c')) + continuation_frame("three", true) +
                    binary_frame("next"),
                {"ping a", "pong b", "ping ", "ping " + std::string(125, 'c'), "text one two three",
                 "binary next"});
}

TEST(Session, Rfc6455_5_4_EmptyFragments) {
  expect_events(
      text_frame("", false) + continuation_frame("", false) + continuation_frame("", true),
      {"text "});
  expect_events(binary_frame("", false) + continuation_frame("x", true), {"binary x"});
  expect_events(binary_frame("x", false) + continuation_frame("", true), {"binary x"});
}

TEST(Session, Rfc6455_5_4_MessagesAreNotInterleaved) {
  const auto events = [](Violation violation) {
    return Events{"ping p", violation_word(violation)};
  };
  for (const bool fin : {false, true}) {
    expect_events(text_frame("a", false) + ping_frame("p") + text_frame("b", fin),
                  events(Violation::kExpectedContinuation));
    expect_events(text_frame("a", false) + ping_frame("p") + binary_frame("b", fin),
                  events(Violation::kExpectedContinuation));
  }
  expect_events(text_frame("a", false) + continuation_frame("b", true) + ping_frame("p") +
                    continuation_frame("c", true),
                {"text ab", "ping p", violation_word(Violation::kUnexpectedContinuation)});
}

TEST(Session, Rfc6455_5_5_2_PingsOfEverySize) {
  for (std::size_t size = 0; size <= kMaxControlPayload; ++size) {
    const std::string payload(size, 'p');
    expect_events(ping_frame(payload) + pong_frame(payload),
                  {"ping " + payload, "pong " + payload});
  }
}

// Close

TEST(Session, Rfc6455_5_5_1_Close) {
  expect_events(close_frame_of(""), {"close 0 "});
  expect_events(close_frame(1000), {"close 1000 "});
  expect_events(close_frame(4999, "caf\xC3\xA9"), {"close 4999 caf\xC3\xA9"});
  const std::string longest(123, 'r');
  expect_events(close_frame(3000, longest), {"close 3000 " + longest});
}

TEST(Session, Rfc6455_5_5_1_NothingFollowsAClose) {
  const Outcome outcome =
      play_every_way(text_frame("before") + close_frame(1001, "away") + text_frame("after") +
                     ping_frame("p") + close_frame(1000) + "\xFF\xFF\xFF");
  EXPECT_EQ(outcome.events, (Events{"text before", "close 1001 away"}));
  EXPECT_TRUE(outcome.close_received);
  EXPECT_FALSE(outcome.reading);
}

TEST(Session, Rfc6455_5_4_ACloseInsideAMessageDropsTheMessage) {
  const Outcome outcome = play_every_way(text_frame("never", false) + close_frame(1000, "bye") +
                                         continuation_frame("seen", true));
  EXPECT_EQ(outcome.events, Events{"close 1000 bye"});
  EXPECT_FALSE(outcome.unfinished);
}

TEST(Session, Rfc6455_5_5_1_BadCloseBodies) {
  expect_violation(close_frame_of("x") + text_frame("a"), Violation::kClosePayloadTooShort);
  for (const unsigned code :
       {0U, 1U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 2999U, 5000U, 65535U}) {
    expect_violation(close_frame(code, "r"), Violation::kBadCloseCode);
  }
  for (const BadText& bad : bad_texts()) {
    expect_violation(close_frame(1000, bad.bytes), Violation::kCloseReasonNotUtf8);
  }
}

TEST(Session, Rfc6455_5_5_1_AViolationInACloseIsNoClose) {
  Player player;
  player.play(close_frame(1005));
  EXPECT_FALSE(player.session().close_received());
}

TEST(Session, Rfc6455_7_1_3_OurCloseIsHandedOutOnce) {
  Player player;
  Session& session = player.session();
  EXPECT_FALSE(session.close_sent());
  const auto frame = session.start_close(1001, "going");
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(as_text(frame->bytes()), "\x88\x07\x03\xE9going");
  EXPECT_TRUE(session.close_sent());
  EXPECT_TRUE(session.close_expected());
  EXPECT_FALSE(session.start_close(1000, "again").has_value());
  player.play(close_frame(1001));
  EXPECT_FALSE(session.close_expected());
  EXPECT_TRUE(session.close_received());
  EXPECT_FALSE(session.reading());
}

TEST(Session, Rfc6455_5_5_1_ThePeersCloseIsAnsweredOnce) {
  Player player;
  player.play(close_frame(1000));
  EXPECT_FALSE(player.session().close_expected());
  EXPECT_TRUE(player.session().start_close(1000, {}).has_value());
  EXPECT_FALSE(player.session().start_close(1000, {}).has_value());
}

TEST(Session, Rfc6455_5_5_1_AfterOurCloseMessagesAreSwallowedAndControlFramesAreNot) {
  expect_events(text_frame("close!") + text_frame("a") + ping_frame("p") + text_frame("b", false) +
                    ping_frame("q") + continuation_frame("c", true) +
                    binary_frame(std::string(200, 'd')) + pong_frame("r") +
                    close_frame(1000, "done") + text_frame("e"),
                {"text close!", "ping p", "ping q", "pong r", "close 1000 done"});
}

TEST(Session, AfterOurCloseTheRulesStillHoldInEveryCut) {
  const auto broken = [](const std::string& stream, Violation violation) {
    expect_events(text_frame("close!") + stream, {"text close!", violation_word(violation)});
  };
  broken(text_frame("bad \xFF text"), Violation::kTextNotUtf8);
  broken(text_frame("cut \xC3"), Violation::kTextNotUtf8);
  broken(text_frame("bad", false) + continuation_frame("\xFF", true), Violation::kTextNotUtf8);
  broken(ClientFrame{.payload = "x", .masked = false}.wire(), Violation::kNotMasked);
  broken(close_frame(1005), Violation::kBadCloseCode);
}

// Text

TEST(Session, Rfc6455_8_1_TextInsideACodePointOverFragmentsWithAPingBetween) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    expect_events(text_frame(text.substr(0, split), false) + ping_frame("p") +
                      continuation_frame(text.substr(split), true) + text_frame("next"),
                  {"ping p", "text " + text, "text next"});
  }
}

TEST(Session, Rfc6455_8_1_TextOverFragmentsOfOneByte) {
  const std::string text = "\xCE\xBA\xE1\xBD\xB9\xF4\x8F\xBF\xBF z";
  std::string stream = text_frame("", false);
  for (const char each : text) stream += continuation_frame({&each, 1}, false);
  expect_events(stream + continuation_frame("", true), {"text " + text});
}

TEST(Session, Rfc6455_8_1_TextMayHoldAnyCodePoint) {
  const std::string text =
      "\0\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"s;
  expect_events(text_frame(text), {"text " + text});
}

TEST(Session, Rfc6455_8_1_BadTextInEveryCutAndFragmentation) {
  for (const BadText& bad : bad_texts()) {
    expect_violation(text_frame(bad.bytes) + ping_frame("never"), Violation::kTextNotUtf8);
    for (std::size_t split = 0; split <= bad.bytes.size(); ++split) {
      const std::string stream = text_frame(bad.bytes.substr(0, split), false) +
                                 continuation_frame(bad.bytes.substr(split), true);
      expect_violation(stream, Violation::kTextNotUtf8);
    }
  }
}

TEST(Session, Rfc6455_5_6_BinaryIsNotText) {
  for (const BadText& bad : bad_texts()) {
    expect_events(binary_frame(bad.bytes, false) + continuation_frame(bad.bytes, true),
                  {"binary " + bad.bytes + bad.bytes});
  }
}

TEST(Session, Rfc6455_8_1_BadTextIsReportedInTheMiddleOfItsFrame) {
  for (const BadText& bad : bad_texts()) {
    for (const bool fin : {false, true}) {
      const ClientFrame frame{.payload = bad.bytes, .fin = fin, .announced = 100};
      const std::string wire = frame.wire();
      const std::size_t proof = frame.header().size() + bad.bad_at;  // the byte that proves it
      Player player;
      player.play(wire.substr(0, proof));
      EXPECT_TRUE(player.events().empty()) << ::testing::PrintToString(bad.bytes);
      player.play(wire.substr(std::min(proof, wire.size())));
      EXPECT_EQ(player.events(), bad.bad_at == bad.bytes.size()
                                     ? Events{}
                                     : Events{violation_word(Violation::kTextNotUtf8)})
          << ::testing::PrintToString(bad.bytes);
    }
  }
}

TEST(Session, Rfc6455_8_1_BadTextIsReportedInTheMiddleOfItsMessage) {
  expect_violation(text_frame("fine", false) + continuation_frame("\xFF", false),
                   Violation::kTextNotUtf8);
}

TEST(Session, ValidityDoesNotLeakFromOneMessageToTheNext) {
  expect_events(binary_frame("\xC3", false) + continuation_frame("\xC3", true) + text_frame("a") +
                    text_frame("\xC3", false) + continuation_frame("\xA9", true) + text_frame("b"),
                {"binary \xC3\xC3", "text a", "text \xC3\xA9", "text b"});
}

// All kinds of events in one stream, at every cut.
TEST(Session, ALongStreamInEveryCut) {
  const std::string big(300, 'B');
  expect_events(upgrade_request() + text_frame("one") + ping_frame("p1") + binary_frame(big) +
                    text_frame("", false) + continuation_frame("x", false) + pong_frame("p2") +
                    continuation_frame("y", true) + binary_frame("") + text_frame("close!") +
                    text_frame("swallowed") + ping_frame("p3") + close_frame(1000, "bye"),
                {"request GET /echo h", "text one", "ping p1", binary_word(big), "pong p2",
                 "text xy", "binary ", "text close!", "ping p3", "close 1000 bye"},
                {}, Player::Start::kFresh);
}

TEST(Session, EmptyInputsChangeNothing) {
  Player player;
  const std::string stream =
      text_frame("a", false) + ping_frame("p") + continuation_frame("b", true);
  for (const char& each : stream) player.play("").play({&each, 1}).play("");
  EXPECT_EQ(player.events(), (Events{"ping p", "text ab"}));
}

}  // namespace
}  // namespace wsd::protocol
