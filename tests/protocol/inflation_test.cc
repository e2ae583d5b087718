// Messages whose decompression takes more than one step, through the session.
#include "protocol/inflation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame_support.h"

namespace wsd::protocol {
namespace {

DeflateParameters terms_of(bool takeover, std::uint8_t bits = 15) {
  DeflateParameters terms;
  terms.client_no_context_takeover = !takeover;
  terms.client_max_window_bits = bits;
  return terms;
}

std::string deflated(std::string_view plain, std::uint8_t bits = 15) {
  Deflater deflater(bits, 6);
  ByteBuffer out;
  EXPECT_TRUE(deflater.message(as_bytes(plain), out));
  return std::string(as_text(out.bytes()));
}

// A frame with the bytes of one compressed message.
std::string frame_of(std::string_view compressed, int opcode = 1) {
  return ClientFrame{.opcode = opcode, .payload = std::string(compressed), .rsv = 4}.wire();
}

// The same message in frames of `piece` bytes, with a Ping after each but the last.
std::string frames_of(std::string_view compressed, std::size_t piece) {
  std::string out;
  for (std::size_t at = 0; at < compressed.size(); at += piece) {
    const bool last = at + piece >= compressed.size();
    out += ClientFrame{.opcode = at == 0 ? 1 : 0,
                       .payload = std::string(compressed.substr(at, piece)),
                       .fin = last,
                       .rsv = at == 0 ? 4 : 0}
               .wire();
    if (!last) out += ping_frame("between");
  }
  return out;
}

// Four empty blocks in five bytes (RFC 1951 §3.2.6), repeated.
std::string empty_blocks(std::size_t fives) {
  std::string out;
  for (std::size_t i = 0; i < fives; ++i) out.append("\x02\x08\x20\x80\x00", 5);
  return out + '\0';  // §7.2.3.6
}

std::string json(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; out.size() < size; ++i) out += "{\"ä\":" + std::to_string(i * i) + "},";
  return out + "end";
}

// Runs a session as its caller does: when the share is used up, it goes on in the next turn.
class Runner {
 public:
  // 0: each step may use the whole share
  Runner(const DeflateParameters& terms, DeflatePool& pool, std::size_t step,
         const SessionLimits& limits = {})
      : limits_(limits), pool_(pool), step_(step), session_(limits_) {
    session_.upgrade(terms, pool);
  }

  void feed(std::string_view bytes) {
    begin(bytes);
    while (session_.inflating()) turn();
  }
  void begin(std::string_view bytes) {
    pool_.end_turn(true);
    if (step_ != 0) pool_.inflating.begin_step(step_);
    block_.assign(bytes.begin(), bytes.end());
    run(block_);
    std::fill(block_.begin(), block_.end(), 0xEE);  // the session must not use the input any more
  }
  void turn() {
    pool_.end_turn(true);
    step();
  }
  // Goes on in the same turn as other sessions.
  void step() {
    if (step_ != 0) pool_.inflating.begin_step(step_);
    ++turns;
    run({});
    most_spent = std::max(most_spent, pool_.inflating.spent());
  }

  [[nodiscard]] Session& session() { return session_; }

  Events events;
  std::size_t turns = 0;
  std::size_t most_spent = 0;

 private:
  void run(MutableBytes input) {
    for (;;) {
      const Event event = session_.next(input, limits_);
      switch (event.kind) {
        case Event::Kind::kNone:
          EXPECT_TRUE(input.empty());
          return;
        case Event::Kind::kMessage:
          events.push_back(message_word(event.opcode, as_text(event.payload)));
          break;
        case Event::Kind::kPing:
          events.push_back("ping " + std::string(as_text(event.payload)));
          break;
        case Event::Kind::kClose:
          events.push_back("close " + std::to_string(event.close_code));
          break;
        case Event::Kind::kViolation:
          events.push_back(violation_word(event.violation));
          break;
        default:
          events.emplace_back("another event");
      }
    }
  }

  SessionLimits limits_;
  DeflatePool& pool_;
  std::size_t step_;
  Session session_;
  std::vector<std::uint8_t> block_;
};

Events play(std::string_view stream, const DeflateParameters& terms, std::size_t step,
            std::size_t piece, const SessionLimits& limits = {}) {
  DeflatePool pool(1);
  Runner runner(terms, pool, step, limits);
  for (std::size_t at = 0; at < stream.size(); at += piece) runner.feed(stream.substr(at, piece));
  EXPECT_EQ(runner.session().held_bytes(), 0U);
  return runner.events;
}

// The events of a stream do not depend on the steps and the reads that it takes.
void expect_same_events(std::string_view stream, const DeflateParameters& terms,
                        const Events& expected, const SessionLimits& limits = {}) {
  for (const std::size_t step : {std::size_t{0}, std::size_t{1}, std::size_t{20'000}}) {
    for (const std::size_t piece : {stream.size(), std::size_t{1000}, std::size_t{7}}) {
      EXPECT_EQ(play(stream, terms, step, piece, limits), expected) << step << " " << piece;
    }
  }
}

// An empty block costs the work of its tables, although it makes no output.
TEST(Inflation, EmptyBlocks_TakeManyTurnsOfAtMostOneShare) {
  constexpr std::size_t kFives = 100'000;
  constexpr std::size_t kWork = 4 * kFives * kInflateBlockWork;
  constexpr std::size_t kLastCall = kInflateBlockWork + kInflateCallWork + 5 * kInflateInputWork;
  for (const bool takeover : {false, true}) {
    DeflatePool pool(1);
    Runner runner(terms_of(takeover), pool, 0);
    runner.feed(frame_of(empty_blocks(kFives), 2) + ping_frame("after"));
    EXPECT_EQ(runner.events, (Events{"binary ", "ping after"}));
    EXPECT_GE(runner.turns, kWork / (kInflateShare + kLastCall));
    EXPECT_LE(runner.most_spent, kInflateShare + kLastCall);
  }
}

// RFC 7692 §8: a few bytes may become many.
TEST(Inflation, LargeMessage_TakesManyTurnsOfAtMostOneShare) {
  constexpr std::size_t kSize = std::size_t{8} << 20;
  constexpr std::size_t kMostOutput = std::size_t{16} << 10;
  constexpr std::size_t kLastCall = std::size_t{64} << 10;
  static_assert(kMostOutput * kInflateOutputWork + kInflateBlockWork + kInflateCallWork <
                kLastCall);
  DeflatePool pool(1);
  Runner runner(terms_of(false), pool, 0);
  const std::string plain(kSize, 'x');
  runner.feed(frame_of(deflated(plain)));
  EXPECT_EQ(runner.events, Events{text_word(plain)});
  EXPECT_GE(runner.turns, kSize * kInflateOutputWork / (kInflateShare + kLastCall));
  EXPECT_LE(runner.most_spent, kInflateShare + kLastCall);
}

TEST(Inflation, EveryStep_GivesTheSameEvents) {
  const std::string large = json(30'000);
  for (const bool takeover : {false, true}) {
    for (const std::uint8_t bits : std::initializer_list<std::uint8_t>{9, 15}) {
      const std::string stream = frame_of(deflated(large, bits)) + ping_frame("1") +
                                 frames_of(deflated(json(5000), bits), 100) + text_frame("plain") +
                                 frame_of(deflated("", bits), 2) +
                                 frames_of(deflated(large, bits), 1500) + close_frame(1000);
      Events expected = {text_word(large), "ping 1"};
      const auto pings = [&expected](std::size_t size, std::size_t piece) {
        expected.insert(expected.end(), (size - 1) / piece, "ping between");
      };
      pings(deflated(json(5000), bits).size(), 100);
      expected.insert(expected.end(), {text_word(json(5000)), "text plain", "binary "});
      pings(deflated(large, bits).size(), 1500);
      expected.insert(expected.end(), {text_word(large), "close 1000"});
      expect_same_events(stream, terms_of(takeover, bits), expected);
    }
  }
}

TEST(Inflation, Rfc6455_8_1_TextIsCheckedAcrossSteps) {
  const std::string good = json(30'000);
  expect_same_events(frame_of(deflated(good)) + ping_frame("p"), terms_of(false),
                     {text_word(good), "ping p"});
  for (const BadText& bad : bad_texts()) {
    const Events expected = {violation_word(Violation::kTextNotUtf8)};
    for (const std::size_t before : {0U, 4095U, 20'000U}) {
      DeflatePool pool(1);
      Runner runner(terms_of(false), pool, 1);
      runner.feed(frame_of(deflated(std::string(before, 'x') + bad.bytes)) + ping_frame("p"));
      EXPECT_EQ(runner.events, expected) << before;
    }
  }
}

TEST(Inflation, InvalidData_FailsInALaterStep) {
  const std::string corrupt = deflated(json(30'000)) + "\xff\xff\xff";
  expect_same_events(frame_of(corrupt) + ping_frame("p"), terms_of(false),
                     {violation_word(Violation::kBadCompression)});
}

TEST(Inflation, Limit_HoldsInALaterStep) {
  SessionLimits limits;
  limits.message.max_message_bytes = 20'000;
  const std::string fits(20'000, 'x');
  expect_same_events(frame_of(deflated(fits)) + frame_of(deflated(fits + 'x')) + ping_frame("p"),
                     terms_of(false), {text_word(fits), violation_word(Violation::kMessageTooBig)},
                     limits);
}

TEST(Inflation, Suspended_IsHeldButNotUnfinished) {
  DeflatePool pool(1);
  Runner runner(terms_of(false), pool, 1);
  const std::string stream = frame_of(deflated(json(30'000))) + text_frame("after") + "\x81";
  runner.begin(stream);
  ASSERT_TRUE(runner.session().inflating());
  EXPECT_FALSE(runner.session().unfinished()) << "the peer has sent all of the message";
  EXPECT_FALSE(runner.session().at_rest());
  EXPECT_GT(runner.session().held_bytes(), inflater_bytes(15));
  EXPECT_TRUE(runner.session().direct_buffer().empty());
  while (runner.session().inflating()) runner.turn();
  EXPECT_EQ(runner.events, (Events{text_word(json(30'000)), "text after"}));
  EXPECT_EQ(runner.session().held_bytes(), 0U);
  EXPECT_TRUE(runner.session().unfinished()) << "a frame has begun";
}

// Messages after our Close are ignored, and the peer's Close is expected.
TEST(Inflation, CloseMeanwhile_DropsTheMessage) {
  for (const bool fragmented : {false, true}) {
    for (const bool takeover : {false, true}) {
      DeflatePool pool(1);
      Runner runner(terms_of(takeover), pool, 1);
      const std::string message = deflated(json(30'000));
      runner.begin((fragmented ? frames_of(message, message.size() / 2 + 1) : frame_of(message)) +
                   frame_of(deflated("also")) + close_frame(1001));
      ASSERT_TRUE(runner.session().inflating());
      EXPECT_TRUE(runner.session().start_close(1000, "bye").has_value());
      runner.turn();
      Events expected = {"close 1001"};
      if (fragmented) expected.insert(expected.begin(), "ping between");
      EXPECT_EQ(runner.events, expected);
      EXPECT_FALSE(runner.session().inflating());
      EXPECT_TRUE(runner.session().close_received());
    }
  }
}

TEST(Inflation, Release_FreesTheSuspendedMessage) {
  DeflatePool pool(1);
  Runner runner(terms_of(false), pool, 1);
  runner.begin(frame_of(deflated(json(30'000))) + text_frame("after"));
  ASSERT_TRUE(runner.session().inflating());
  runner.session().finish();
  runner.session().release();
  EXPECT_FALSE(runner.session().inflating());
  EXPECT_EQ(runner.session().held_bytes(), 0U);
  runner.turn();
  EXPECT_TRUE(runner.events.empty());
}

// Each suspended message keeps a decompressor and plain bytes of its own.
TEST(Inflation, SessionsInTurns_DoNotMix) {
  DeflatePool pool(1);
  std::vector<std::unique_ptr<Runner>> runners;
  for (int i = 0; i < 4; ++i) {
    runners.push_back(std::make_unique<Runner>(terms_of(i % 2 == 1), pool, 1));
    runners.back()->begin(frame_of(deflated(json(20'000 + 1000 * static_cast<std::size_t>(i)))));
  }
  const auto inflating = [](const auto& each) { return each->session().inflating(); };
  while (std::any_of(runners.begin(), runners.end(), inflating)) {
    for (const auto& each : runners) each->turn();
  }
  for (std::size_t i = 0; i < runners.size(); ++i) {
    EXPECT_EQ(runners[i]->events, Events{text_word(json(20'000 + 1000 * i))}) << i;
  }
}

// Peers that all send bombs do not make the reactor hold all of them unpacked.
TEST(Inflation, ManyLargeMessages_AreUnpackedOneAfterTheOther) {
  constexpr std::size_t kLarge = std::size_t{4} << 20;
  const std::string bomb = frame_of(deflated(std::string(kLarge, '\0')));
  constexpr std::size_t kPeers = 8;
  DeflatePool pool(1);
  pool.divide_inflating(kPeers);
  std::vector<std::unique_ptr<Runner>> runners;
  for (std::size_t i = 0; i < kPeers; ++i) {
    runners.push_back(std::make_unique<Runner>(terms_of(false), pool, kInflateShare / 8));
    runners.back()->begin(bomb);
  }
  std::size_t finished = 0;
  std::size_t most_large = 0;
  for (int turn = 0; turn < 10'000 && finished != runners.size(); ++turn) {
    pool.end_turn(true);
    for (const auto& each : runners) {
      if (each->session().inflating()) each->step();
    }
    std::size_t large = 0;
    for (const auto& each : runners) {
      if (each->session().held_bytes() > kLarge / 4) ++large;
    }
    most_large = std::max(most_large, large);
    finished = static_cast<std::size_t>(std::count_if(
        runners.begin(), runners.end(), [](const auto& each) { return !each->events.empty(); }));
  }
  EXPECT_EQ(finished, runners.size());
  EXPECT_EQ(most_large, 1U);
}

}  // namespace
}  // namespace wsd::protocol
