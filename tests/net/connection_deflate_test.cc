#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "base/sanitizers.h"
#include "net/reactor_rig.h"
#include "protocol/deflate.h"

namespace wsd::net {
namespace {

using protocol::kDeflateShare;
using protocol::kInflateBlockWork;
using protocol::kInflateOutputWork;
using protocol::kInflateShare;
using test::client_frame;
using test::Peer;

constexpr int kRsv1 = 0x40;

std::string compressed_frame(std::string_view compressed) {
  return client_frame(kRsv1 | test::kBinary, compressed);
}

// A message of many zeros, which are few bytes on the wire.
std::string zeros(std::size_t size) {
  ByteBuffer compressed;
  EXPECT_TRUE(protocol::Deflater(15, 9).message(std::vector<std::uint8_t>(size), compressed));
  return compressed_frame(as_text(compressed.bytes()));
}

// A message of empty blocks, four in five bytes (RFC 1951 §3.2.6). It has no plain bytes at all.
std::string empty_blocks(std::size_t fives) {
  std::string bytes;
  for (std::size_t i = 0; i < fives; ++i) bytes.append("\x02\x08\x20\x80\x00", 5);
  return compressed_frame(bytes + '\0');
}
std::size_t turns_for(std::size_t fives) { return 4 * fives * kInflateBlockWork / kInflateShare; }

class Deflating : public ::testing::Test {
 protected:
  explicit Deflating(const ReactorSettings& settings = calm_settings()) : rig(settings) {}

  Peer& open_compressed(const protocol::DeflateParameters& terms = {}) {
    rig.app.deflate = terms;
    Peer& peer = rig.open();
    rig.app.deflate.reset();
    return peer;
  }
  [[nodiscard]] std::size_t count(std::string_view message) const {
    return static_cast<std::size_t>(
        std::count(rig.app.messages.begin(), rig.app.messages.end(), message));
  }

  ReactorRig rig;
};
class ConnectionDeflate : public Deflating {};

// RFC 7692 §8: a few compressed bytes may cost much work. A connection without compression waits
// for one share of it, whatever the others have sent.
TEST_F(ConnectionDeflate, CostlyMessages_DoNotKeepTheOthersFromTheirTurn) {
  constexpr std::size_t kLarge = kInflateShare;
  constexpr std::size_t kCostly = 5;
  std::vector<Peer*> peers;
  for (std::size_t i = 0; i < kCostly; ++i) peers.push_back(&open_compressed());
  Peer& plain = rig.open();
  const std::string costly = zeros(kLarge);
  for (Peer* peer : peers) peer->send(costly);
  plain.send(client_frame(test::kText, "plain"));
  rig.turn();
  EXPECT_EQ(rig.app.messages, std::vector<std::string>{"plain"}) << "each of the others needs two";
  ASSERT_TRUE(rig.until([&] { return rig.app.messages.size() == kCostly + 1; }));
  EXPECT_EQ(count(std::string(kLarge, '\0')), kCostly);
}

// A message without plain bytes is work too. Meanwhile every other connection has its turns.
TEST_F(ConnectionDeflate, EmptyBlocks_TakeTheirShareOfManyTurns) {
  constexpr std::size_t kFives = 50'000;
  Peer& hostile = open_compressed();
  Peer& plain = rig.open();
  hostile.send(empty_blocks(kFives) + client_frame(test::kText, "after"));
  std::size_t turns = 0;
  while (count("") == 0 && turns < 10 * turns_for(kFives)) {
    plain.send(client_frame(test::kText, "plain"));
    rig.turn();
    ++turns;
    ASSERT_GE(count("plain") + 1, turns) << "at most one is on its way";
  }
  EXPECT_GE(turns, turns_for(kFives));
  EXPECT_TRUE(rig.until([&] { return count("after") == 1; }));
  EXPECT_EQ(rig.app.messages.end()[-1] == "after" || rig.app.messages.end()[-1] == "plain", true);
}

// The share of a turn goes around. Without that, the first connections would use it up each time.
TEST_F(ConnectionDeflate, ManyCostlyMessages_DoNotStarveASmallOne) {
  constexpr std::size_t kCostly = 24;  // each turn has eight steps
  constexpr std::size_t kRound = kCostly / 8 + 1;
  std::vector<Peer*> peers;
  for (std::size_t i = 0; i < kCostly; ++i) peers.push_back(&open_compressed());
  Peer& small = open_compressed();
  const std::string costly = empty_blocks(20'000);
  for (Peer* peer : peers) peer->send(costly);
  for (int i = 0; i < 20; ++i) rig.turn();  // all are at work
  ASSERT_EQ(count(""), 0U);
  small.send(client_frame(test::kText, "small"));
  for (std::size_t i = 0; i < kRound + 1; ++i) rig.turn();
  EXPECT_EQ(count("small"), 1U);
  EXPECT_EQ(count(""), 0U);
  EXPECT_TRUE(rig.until([&] { return count("") == kCostly; }));
}

// The input after a suspended message waits with it, in its order.
TEST_F(ConnectionDeflate, InputAfterASuspendedMessage_KeepsItsOrder) {
  Peer& peer = open_compressed();
  peer.send(zeros(kInflateShare) + client_frame(test::kText, "1") + client_frame(test::kPing, "p") +
            zeros(kInflateShare) + client_frame(test::kText, "2") +
            client_frame(test::kClose, test::close_payload(1000)));
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kPeerClosed);
  const std::string large(kInflateShare, '\0');
  EXPECT_EQ(rig.app.messages, (std::vector<std::string>{large, "1", large, "2"}));
  EXPECT_EQ(rig.frame(peer), (test::WireFrame{test::kPong, "p"}));
  rig.expect_all_over(1);
}

TEST_F(ConnectionDeflate, CloseWhileSuspended_CompletesTheHandshake) {
  Peer& peer = open_compressed();
  peer.send(empty_blocks(100'000) + client_frame(test::kClose, test::close_payload(1000)));
  for (int i = 0; i < 20; ++i) rig.turn();
  ASSERT_TRUE(rig.app.messages.empty());
  rig.reactor()
      .find(rig.app.opened.front())
      ->close(CloseCause::kApplicationClosed, CloseCode::kNormalClosure, "bye");
  const EndNote end = rig.end();
  EXPECT_EQ(end.record.close.cause, CloseCause::kApplicationClosed);
  EXPECT_TRUE(end.record.close.clean);
  EXPECT_TRUE(rig.app.messages.empty()) << "the message came after our Close";
  rig.expect_all_over(1);
}

TEST_F(ConnectionDeflate, ResetWhileSuspended_FreesEverything) {
  Peer& peer = open_compressed();
  peer.send(empty_blocks(100'000));
  for (int i = 0; i < 20; ++i) rig.turn();
  EXPECT_GT(rig.counts.input.bytes(), 0U) << "what is held is counted";
  rig.reactor().find(rig.app.opened.front())->reset(CloseCause::kServerStopped);
  rig.expect_all_over(1);
}

class ConnectionDeflateDeadlines : public Deflating {
 protected:
  static ReactorSettings strict() {
    ReactorSettings settings = calm_settings();
    settings.message_timeout = ticks_for_ms(3 * kUnitMs);
    settings.heartbeat.ping_interval = ticks_for_ms(2 * kUnitMs);
    settings.heartbeat.pong_timeout = ticks_for_ms(2 * kUnitMs);
    return settings;
  }
  // Until the messages have arrived, the deadlines apply, so they leave a slow build time for it.
  static constexpr std::uint32_t kUnitMs = kSanitized ? 200 : 40;
  ConnectionDeflateDeadlines() : Deflating(strict()) {}
};

// While a message waits for its share, its peer can neither complete a message nor answer a Ping.
TEST_F(ConnectionDeflateDeadlines, WaitingForAShare_DoesNotCount) {
  constexpr std::size_t kPeers = 10;
  std::vector<Peer*> peers;
  for (std::size_t i = 0; i < kPeers; ++i) peers.push_back(&open_compressed());
  const std::string message = empty_blocks(200'000);
  for (Peer* peer : peers) peer->send(message);
  // On a slow machine, the first message may be complete before the last one has arrived.
  ASSERT_TRUE(rig.until([&] {
    return rig.counts.input.bytes() >= kPeers * message.size() || !rig.app.messages.empty();
  }));
  const Tick end = rig.shard().wheel().now() + ticks_for_ms(20 * kUnitMs);
  while (rig.shard().wheel().now() < end && rig.app.messages.empty()) {
    rig.turn();
    ASSERT_TRUE(rig.app.ends.empty());
  }
}

// Compressing

class ConnectionDeflateEcho : public ConnectionDeflate {
 protected:
  ConnectionDeflateEcho() {
    rig.app.handler = [](Connection& connection, const Message& message) {
      static_cast<void>(connection.send(message.type, as_bytes(message.payload)));
    };
    rig.settings.deflate_threshold = 64;
  }
  // Returns the payload of the next frame, and whether it is compressed.
  struct Frame {
    bool compressed = false;
    std::string payload;
  };
  Frame next(Peer& peer) {
    EXPECT_TRUE(rig.until([&] { return !peer.input.empty(); }));
    const bool compressed = (peer.input[0] & kRsv1) != 0;
    peer.input[0] = static_cast<char>(peer.input[0] & ~kRsv1);
    return {compressed, rig.frame(peer).payload};
  }
};

std::string text(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; out.size() < size; ++i) out += std::to_string(i % 100) + ",";
  return out;
}

// RFC 7692 §6: an endpoint may send any message uncompressed. With context takeover such a message
// does not enter the window, so the peer can still decompress the next one.
TEST_F(ConnectionDeflateEcho, TooMuchWork_IsSentUncompressed) {
  for (const bool takeover : {false, true}) {
    protocol::DeflateParameters terms;
    terms.server_no_context_takeover = !takeover;
    Peer& peer = open_compressed(terms);
    protocol::Inflater inflater(15);
    const auto echo = [&](const std::string& message, bool compressed) {
      peer.send(client_frame(test::kBinary, message));
      const Frame frame = next(peer);
      EXPECT_EQ(frame.compressed, compressed) << message.size();
      if (!compressed) {
        EXPECT_EQ(frame.payload, message);
        return frame.payload.size();
      }
      ByteBuffer out;
      protocol::WorkShare share(kInflateShare);
      Bytes rest = as_bytes(frame.payload);
      EXPECT_EQ(inflater.message(rest, out, message.size(), share),
                protocol::Inflater::Status::kOk);
      EXPECT_EQ(as_text(out.bytes()), message);
      if (!takeover) inflater.forget();
      return frame.payload.size();
    };
    const std::uint64_t before = rig.reactor().stats().messages_uncompressed.value();
    const std::size_t first = echo(text(1000), true);
    echo(text(kDeflateShare / 4), false);
    const std::size_t second = echo(text(1000), true);
    EXPECT_EQ(second < first, takeover) << "it refers to the first one";
    EXPECT_EQ(rig.reactor().stats().messages_uncompressed.value(), before + 1);
  }
}

}  // namespace
}  // namespace wsd::net
