// The session's limits, its memory, and the direct buffer for large frames.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame_support.h"
#include "protocol/session.h"

namespace wsd::protocol {
namespace {

constexpr std::size_t kFirstCapacity = std::size_t{64} << 10;

SessionLimits at_most(std::uint64_t max_message_bytes) {
  SessionLimits limits;
  limits.message.max_message_bytes = max_message_bytes;
  return limits;
}

// Returns text of `size` bytes with code points of every length at every offset.
std::string long_text(std::size_t size) {
  const std::string unit = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80-";
  std::string text;
  while (text.size() + unit.size() <= size) text += unit;
  return text.append(size - text.size(), '.');
}

std::string long_binary(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 10));
  return bytes;
}

// Limits

TEST(SessionLimits, Rfc6455_10_4_AMessageAtTheLimitPasses) {
  const std::string exact(100, 'x');
  for (std::size_t split = 0; split <= exact.size(); split += 25) {
    expect_events(text_frame(exact.substr(0, split), false) + ping_frame("p") +
                      continuation_frame(exact.substr(split), true) + text_frame(exact),
                  {"ping p", "text " + exact, "text " + exact}, at_most(100));
  }
}

TEST(SessionLimits, Rfc6455_10_4_OneByteOverTheLimitIsRefusedAtTheHeader) {
  const std::string over = ClientFrame{.announced = 101}.header();
  expect_violation(over, Violation::kMessageTooBig, at_most(100));
  expect_violation(
      text_frame(std::string(100, 'x'), false) + ClientFrame{.opcode = 0, .announced = 1}.header(),
      Violation::kMessageTooBig, at_most(100));
  expect_violation(text_frame(std::string(60, 'x'), false) + text_frame("", false).substr(0, 0) +
                       continuation_frame(std::string(40, 'x'), false) +
                       ClientFrame{.opcode = 0, .fin = false, .announced = 1}.header(),
                   Violation::kMessageTooBig, at_most(100));
}

TEST(SessionLimits, Rfc6455_10_4_HugeLengthsAreRefusedBeforeAnyPayload) {
  constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;
  for (const std::uint64_t length :
       {std::uint64_t{16 << 20} + 1, std::uint64_t{1} << 30, (std::uint64_t{1} << 31) - 1,
        std::uint64_t{1} << 31, std::uint64_t{1} << 32, kTopBit - 1}) {
    expect_violation(ClientFrame{.opcode = 2, .announced = length}.header(),
                     Violation::kMessageTooBig);
    expect_violation(
        binary_frame("x", false) + ClientFrame{.opcode = 0, .announced = length}.header(),
        Violation::kMessageTooBig);
  }
}

TEST(SessionLimits, Rfc6455_10_4_TheLimitIsForEachMessage) {
  const std::string part(60, 'x');
  std::string stream;
  Events events;
  for (int i = 0; i < 5; ++i) {
    stream += text_frame(part, false) + continuation_frame(part.substr(20), true);
    events.push_back(text_word(part + part.substr(20)));
  }
  expect_events(stream, events, at_most(100));
}

TEST(SessionLimits, ControlFramesAreNotPartOfAMessagesSize) {
  const std::string control(125, 'p');
  expect_events(text_frame("1234567890", false) + ping_frame(control) + pong_frame(control) +
                    continuation_frame("", true) + close_frame(1000, std::string(123, 'r')),
                {"ping " + control, "pong " + control, "text 1234567890",
                 "close 1000 " + std::string(123, 'r')},
                at_most(10));
}

TEST(SessionLimits, Rfc6455_10_4_FragmentsAtTheCapPassAndOneMoreIsRefusedAtItsHeader) {
  SessionLimits limits;
  limits.message.max_fragments = 4;
  const std::string three = text_frame("a", false) + continuation_frame("b", false) +
                            ping_frame("p") + continuation_frame("c", false);
  expect_events(three + continuation_frame("d", true) + three + continuation_frame("d", true),
                {"ping p", "text abcd", "ping p", "text abcd"}, limits);
  expect_events(
      three + continuation_frame("d", false) + ClientFrame{.opcode = 0, .announced = 50}.header(),
      {"ping p", violation_word(Violation::kTooManyFragments)}, limits);
}

TEST(SessionLimits, Rfc6455_10_4_EmptyFragmentsHaveACapOfTheirOwn) {
  SessionLimits limits;
  limits.message.max_empty_fragments = 3;
  const std::string empty = continuation_frame("", false);
  const std::string three = text_frame("", false) + empty + empty;
  expect_events(three + continuation_frame("x", false) + continuation_frame("y", true) + three +
                    continuation_frame("z", true),
                {"text xy", "text z"}, limits);
  expect_violation(three + continuation_frame("x", false) + empty, Violation::kTooManyFragments,
                   limits);
  expect_violation(three + continuation_frame("", true), Violation::kTooManyFragments, limits);
}

TEST(SessionLimits, Rfc6455_10_4_EndlessEmptyFragmentsEndAtTheDefaultCap) {
  Player player;
  player.play(text_frame("", false));
  const std::string empty = continuation_frame("", false);
  int taken = 1;
  while (player.session().reading() && taken < 200'000) {
    player.play(empty);
    ++taken;
    ASSERT_EQ(player.session().held_bytes(), 0U);
  }
  EXPECT_EQ(taken, 1025);
  EXPECT_EQ(player.events(), Events{violation_word(Violation::kTooManyFragments)});
}

TEST(SessionLimits, Rfc6455_5_4_65536FragmentsOfOneByte) {
  const std::string payload = long_binary(65536);
  std::string stream = binary_frame(payload.substr(0, 1), false);
  for (std::size_t i = 1; i < payload.size(); ++i) {
    stream += continuation_frame(payload.substr(i, 1), i + 1 == payload.size());
  }
  for (const std::size_t piece : {stream.size(), std::size_t{1460}, std::size_t{5}}) {
    Player player;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      player.play(std::string_view(stream).substr(at, piece));
      ASSERT_LE(player.session().held_bytes(), 2 * payload.size());
    }
    EXPECT_EQ(player.events(), Events{binary_word(payload)});
    EXPECT_EQ(player.session().held_bytes(), 0U);
  }
}

// Memory

TEST(SessionMemory, NothingReceivedYet_HoldsNothing) {
  SessionLimits limits;
  const Session plain(limits);
  EXPECT_TRUE(plain.at_rest());
  EXPECT_FALSE(plain.unfinished());
  limits.proxy_header = true;
  EXPECT_TRUE(Session(limits).awaits_proxy_header());
}

TEST(SessionMemory, IncompleteHeader_IsUnfinishedWithoutPayload) {
  const std::string header = ClientFrame{.opcode = 2, .announced = 70'000}.header();
  Player player;
  EXPECT_FALSE(player.session().unfinished());
  for (const char& each : header) {
    player.play({&each, 1});
    EXPECT_TRUE(player.session().unfinished());
    EXPECT_EQ(player.session().held_bytes(), 0U);
  }
}

TEST(SessionMemory, Rfc6455_10_4_AnAnnouncedLengthHoldsNothing) {
  Player player;
  player.play(ClientFrame{.opcode = 2, .payload = "x", .announced = 16 << 20}.wire());
  EXPECT_TRUE(player.session().unfinished());
  EXPECT_LE(player.session().held_bytes(), kFirstCapacity);
  EXPECT_LE(player.session().direct_buffer().size(), kFirstCapacity);
  EXPECT_LE(player.session().held_bytes(), kFirstCapacity);
}

TEST(SessionMemory, WholeFrame_IsNotBuffered) {
  Player player;
  for (const std::size_t size : {0U, 1U, 1000U, 60'000U}) {
    player.play(text_frame(std::string(size, 'x')) + ping_frame("p"));
    EXPECT_EQ(player.session().held_bytes(), 0U);
    EXPECT_FALSE(player.session().unfinished());
  }
}

TEST(SessionMemory, AfterAnyEnd_NothingIsBuffered) {
  const std::string begun = text_frame(std::string(5000, 'x'), false);
  const auto expect_nothing_held = [&](const std::string& rest, const SessionLimits& limits = {}) {
    for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{1}}) {
      Player player(limits);
      player.play(begun);
      EXPECT_GE(player.session().held_bytes(), 5000U);
      EXPECT_TRUE(player.session().unfinished());
      for (std::size_t at = 0; at < rest.size(); at += piece) player.play(rest.substr(at, piece));
      EXPECT_EQ(player.session().held_bytes(), 0U);
      EXPECT_FALSE(player.session().unfinished());
    }
  };
  expect_nothing_held(continuation_frame("end", true));
  expect_nothing_held(close_frame(1000));
  expect_nothing_held(continuation_frame("\xFF", true));
  expect_nothing_held(text_frame("interleaved"));
  expect_nothing_held(ClientFrame{.opcode = 0, .announced = 5000}.header(), at_most(6000));
  expect_nothing_held(close_frame(999));
}

TEST(SessionMemory, DiscardedMessage_IsNotBuffered) {
  Player player;
  player.play(text_frame("a", false));
  ASSERT_TRUE(player.session().start_close(1000, {}).has_value());
  player.play(continuation_frame("b", true));
  EXPECT_TRUE(player.events().empty());
  EXPECT_EQ(player.session().held_bytes(), 0U);
  EXPECT_FALSE(player.session().unfinished());
}

TEST(SessionMemory, AnsweredRequest_IsNotBuffered) {
  const std::string head =
      "GET /a HTTP/1.1\r\nHost: h\r\nX: " + std::string(4000, 'x') + "\r\n\r\n";
  for (const bool last : {false, true}) {
    Player player({}, Player::Start::kFresh);
    const std::string request = last ? "GET /last" + head.substr(6) : head;
    player.play(request.substr(0, 2000));
    EXPECT_GE(player.session().held_bytes(), 2000U);
    player.play(request.substr(2000));
    EXPECT_EQ(player.events().size(), 1U);
    EXPECT_EQ(player.session().held_bytes(), 0U);
  }
}

TEST(SessionMemory, FinishedSession_AcceptsAndBuffersNothing) {
  Player player;
  player.play(text_frame("begun", false));
  player.session().finish();
  player.play(continuation_frame("never", true) + "\xFF\xFF");
  EXPECT_TRUE(player.events().empty());
  EXPECT_EQ(player.session().held_bytes(), 0U);
  EXPECT_FALSE(player.session().unfinished());
  EXPECT_TRUE(player.session().direct_buffer().empty());
}

// Views

TEST(SessionViews, AWholeMessageIsAViewIntoTheInput) {
  const SessionLimits limits;
  Session session(limits);
  session.upgrade();
  const std::string wire = text_frame("Hello");
  std::vector<std::uint8_t> block(as_bytes(wire).begin(), as_bytes(wire).end());
  MutableBytes input(block);
  const Event event = session.next(input, limits);
  ASSERT_EQ(event.kind, Event::Kind::kMessage);
  EXPECT_EQ(event.payload.data(), block.data() + 6);
  EXPECT_EQ(as_text(event.payload), "Hello");
}

TEST(SessionViews, CollectedMessage_IsValidUntilNext) {
  const SessionLimits limits;
  Session session(limits);
  session.upgrade();
  const std::string wire = text_frame("Hel", false) + continuation_frame("lo", true);
  std::vector<std::uint8_t> block(as_bytes(wire).begin(), as_bytes(wire).end());
  MutableBytes input(block);
  const Event event = session.next(input, limits);
  ASSERT_EQ(event.kind, Event::Kind::kMessage);
  std::fill(block.begin(), block.end(), std::uint8_t{0});
  EXPECT_FALSE(session.unfinished());
  EXPECT_GE(session.held_bytes(), 5U);
  EXPECT_TRUE(session.direct_buffer().empty());
  EXPECT_TRUE(session.start_close(1000, "bye").has_value());
  session.finish();
  EXPECT_EQ(as_text(event.payload), "Hello");
  EXPECT_EQ(session.next(input, limits).kind, Event::Kind::kNone);
  EXPECT_EQ(session.held_bytes(), 0U);
}

TEST(SessionViews, SplitControlFrame_IsValidUntilNext) {
  for (const std::string& wire : {ping_frame("payload"), close_frame(1000, "payload")}) {
    const SessionLimits limits;
    Session session(limits);
    session.upgrade();
    std::vector<std::uint8_t> block(as_bytes(wire).begin(), as_bytes(wire).end());
    MutableBytes first = MutableBytes(block).first(8);
    EXPECT_EQ(session.next(first, limits).kind, Event::Kind::kNone);
    MutableBytes second = MutableBytes(block).subspan(8);
    const Event event = session.next(second, limits);
    std::fill(block.begin(), block.end(), std::uint8_t{0});
    EXPECT_EQ(as_text(event.payload), "payload");
  }
}

// The direct buffer

TEST(SessionDirect, ThereIsNoDirectBufferWithoutALargeFrame) {
  Player player;
  EXPECT_TRUE(player.session().direct_buffer().empty());
  player.play(ping_frame(std::string(125, 'p')).substr(0, 20));
  EXPECT_TRUE(player.session().direct_buffer().empty());
  Player fresh({}, Player::Start::kFresh);
  EXPECT_TRUE(fresh.session().direct_buffer().empty());
  Player small;
  small.play(binary_frame(std::string(1000, 'x')).substr(0, 20));
  EXPECT_TRUE(small.session().direct_buffer().empty());
  Player between;
  between.play(binary_frame(std::string(100'000, 'x'), false));
  EXPECT_TRUE(between.session().direct_buffer().empty());
}

TEST(SessionDirect, TheBufferNeverReachesPastTheFrame) {
  const std::string wire = binary_frame(long_binary(100'000));
  Player player;
  player.play(std::string_view(wire).substr(0, 14));
  std::size_t left = 100'000;
  while (left > 0) {
    const MutableBytes room = player.session().direct_buffer();
    ASSERT_LE(room.size(), left);
    const std::size_t count = std::min<std::size_t>(left, 3000);
    ASSERT_EQ(player.play_directly(std::string_view(wire).substr(wire.size() - left, count), 3000),
              room.empty() ? 0 : count);
    left -= count;
  }
  EXPECT_EQ(player.events(), Events{binary_word(long_binary(100'000))});
}

TEST(SessionDirect, AMebibyteOfTextAndOfBinary) {
  constexpr std::size_t kSize = std::size_t{1} << 20;
  const std::string text = long_text(kSize);
  const std::string binary = long_binary(kSize);
  const std::string stream = text_frame("before") + text_frame(text) + ping_frame("between") +
                             binary_frame(binary) + text_frame("after");
  // Odd sizes, so that chunks start at every position of the masking key and inside code points.
  for (const std::size_t limit : {std::size_t{1} << 21, std::size_t{65536}, std::size_t{1461}}) {
    Player player;
    const std::size_t direct = player.play_directly(stream, limit);
    EXPECT_EQ(player.events(), (Events{"text before", text_word(text), "ping between",
                                       binary_word(binary), "text after"}));
    EXPECT_EQ(player.session().held_bytes(), 0U);
    EXPECT_FALSE(player.session().unfinished());
    // Only one piece at a time goes through the caller's buffer. The rest of a large frame bypasses
    // it.
    EXPECT_GE(direct + 4 * std::max(limit, kFirstCapacity), 2 * kSize) << limit;
  }
}

TEST(SessionDirect, LargeFragments) {
  const std::string text = long_text(90'000);
  for (const std::size_t split : {20'000U, 20'001U, 20'002U, 20'003U, 70'003U}) {
    const std::string stream = text_frame(text.substr(0, split), false) + ping_frame("p") +
                               continuation_frame(text.substr(split), true) + text_frame("after");
    Player player;
    EXPECT_GT(player.play_directly(stream, 1000), 0U);
    EXPECT_EQ(player.events(), (Events{"ping p", text_word(text), "text after"}));
  }
}

TEST(SessionDirect, Rfc6455_8_1_BadTextFailsAtTheChunkThatHasIt) {
  const std::string good = long_text(50'000);
  for (const std::size_t at : {100U, 2000U, 33'333U, 49'999U}) {
    std::string bad = good;
    bad[at] = '\xFF';
    const std::string wire = text_frame(bad);
    Player player;
    const std::size_t before = wire.size() - bad.size() + at;
    player.play_directly(std::string_view(wire).substr(0, before), 1000);
    EXPECT_TRUE(player.events().empty()) << at;
    player.play_directly(std::string_view(wire).substr(before, 1), 1000);
    EXPECT_EQ(player.events(), Events{violation_word(Violation::kTextNotUtf8)}) << at;
    EXPECT_EQ(player.session().held_bytes(), 0U);
    EXPECT_TRUE(player.session().direct_buffer().empty());
  }
}

TEST(SessionDirect, Rfc6455_8_1_TextMayNotEndInsideACodePoint) {
  const std::string cut = long_text(50'000) + "\xE2\x82";
  Player player;
  player.play_directly(text_frame(cut), 4096);
  EXPECT_EQ(player.events(), Events{violation_word(Violation::kTextNotUtf8)});
}

TEST(SessionDirect, AfterOurClose_LargeMessageIsDiscarded) {
  Player player;
  ASSERT_TRUE(player.session().start_close(1000, {}).has_value());
  player.play_directly(binary_frame(long_binary(100'000)) + ping_frame("p") + close_frame(1000),
                       5000);
  EXPECT_EQ(player.events(), (Events{"ping p", "close 1000 "}));
  EXPECT_EQ(player.session().held_bytes(), 0U);
}

TEST(SessionDirect, Memory_IsProportionalToReceivedBytes) {
  const std::string wire = binary_frame(long_binary(std::size_t{1} << 20));
  Player player;
  for (std::size_t at = 0; at < wire.size(); at += 1000) {
    player.play_directly(std::string_view(wire).substr(at, 1000), 1000);
    // Twice the received bytes, and space for a receive of a useful size.
    const std::size_t bound = 2 * (at + 1000 + kFirstCapacity / 4);
    EXPECT_LE(player.session().held_bytes(), std::max(bound, kFirstCapacity));
  }
  EXPECT_EQ(player.events().size(), 1U);
}

}  // namespace
}  // namespace wsd::protocol
