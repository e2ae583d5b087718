#include "protocol/compression.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace wsd::protocol {
namespace {

using Status = Inflater::Status;
constexpr std::size_t kLimit = std::size_t{1} << 20;
constexpr int kLevel = 6;

DeflateParameters terms(bool takeover) {
  DeflateParameters terms;
  terms.client_no_context_takeover = !takeover;
  terms.server_no_context_takeover = !takeover;
  return terms;
}

const std::string& greeting() {
  static const std::string text = "a greeting, and once more: a greeting, and once more";
  return text;
}

std::string noise(std::size_t size) {
  std::mt19937 random(3);
  std::string out(size, '\0');
  for (char& each : out) each = static_cast<char>(random());
  return out;
}

// Returns the compressed payload for `plain`, or "" if the message is sent uncompressed.
std::string deflated(Compression& compression, const std::string& plain) {
  return std::string(as_text(compression.deflate(as_bytes(plain))));
}

Status inflate(Compression& compression, const std::string& bytes, std::size_t limit) {
  Bytes rest = as_bytes(bytes);
  return compression.inflate(rest, limit);
}

std::string inflated(Compression& compression, const std::string& bytes) {
  if (inflate(compression, bytes, kLimit) != Status::kOk) return "an error";
  return std::string(as_text(compression.pool().inflated.bytes()));
}

// A connection for each end, each with its own pool, like two processes.
struct Pair {
  explicit Pair(bool takeover)
      : sender(terms(takeover), sender_pool), receiver(terms(takeover), receiver_pool) {}
  DeflatePool sender_pool{kLevel};
  DeflatePool receiver_pool{kLevel};
  Compression sender;
  Compression receiver;
};

TEST(Compression, Rfc7692_7_1_1_WithContextTakeoverAMessageRefersToTheOneBefore) {
  Pair pair(true);
  const std::string first = deflated(pair.sender, greeting());
  const std::string second = deflated(pair.sender, greeting());
  EXPECT_LT(second.size(), first.size());
  EXPECT_EQ(inflated(pair.receiver, first), greeting());
  EXPECT_EQ(inflated(pair.receiver, second), greeting());
}

TEST(Compression, Rfc7692_7_1_1_WithoutItEachMessageStandsAlone) {
  Pair pair(false);
  const std::string first = deflated(pair.sender, greeting());
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(deflated(pair.sender, greeting()), first);
  EXPECT_EQ(inflated(pair.receiver, first), greeting());
  EXPECT_EQ(inflated(pair.receiver, std::string("\xf2\x00\x11\x00\x00", 5)), "an error")
      << "it refers to a message before";
}

// Some clients share their window although they agreed not to. The operator must learn that, so
// this error has a status of its own.
TEST(Compression, Rfc7692_7_1_1_2_PeerThatSharesItsWindow_IsTold) {
  Pair pair(true);
  const std::string first = deflated(pair.sender, greeting());
  const std::string second = deflated(pair.sender, greeting());
  DeflatePool pool(kLevel);
  Compression alone(terms(false), pool);
  EXPECT_EQ(inflated(alone, first), greeting());
  EXPECT_EQ(inflate(alone, second, kLimit), Status::kBeforeStart);
  // Also if the message begins with bytes of its own.
  EXPECT_EQ(inflated(alone, first), greeting());
  const std::string third = deflated(pair.sender, "something new, and then " + greeting());
  EXPECT_EQ(inflate(alone, third, kLimit), Status::kBeforeStart);
}

TEST(Compression, OtherErrors_AreCorrupt) {
  DeflatePool pool(kLevel);
  Compression alone(terms(false), pool);
  EXPECT_EQ(inflate(alone, "\xff\xff\xff", kLimit), Status::kCorrupt) << "reserved block type";
  // A window that the peer may not use: 2 KiB back instead of 512 bytes.
  const std::string plain = noise(1024) + noise(1024);
  Compression sender(terms(false), pool);
  const std::string wide = deflated(sender, plain);
  ASSERT_LT(wide.size(), std::size_t{1500});
  DeflateParameters narrow = terms(false);
  narrow.client_max_window_bits = 9;
  Compression receiver(narrow, pool);
  EXPECT_EQ(inflate(receiver, wide, kLimit), Status::kCorrupt);
  // With context takeover, a distance before the first byte is an error in the data.
  Compression shares(terms(true), pool);
  EXPECT_EQ(inflate(shares, std::string("\xf2\x00\x11\x00\x00", 5), kLimit), Status::kCorrupt);
}

TEST(Compression, ContextTakeover_IsPerConnection) {
  DeflatePool pool(kLevel);
  Compression one(terms(true), pool);
  Compression other(terms(true), pool);
  const std::string first = deflated(one, greeting());
  EXPECT_EQ(deflated(other, greeting()), first);
}

TEST(Compression, IncompressibleMessage_IsSentUncompressed) {
  for (const bool takeover : {false, true}) {
    Pair pair(takeover);
    EXPECT_EQ(deflated(pair.sender, noise(1000)), "");
    EXPECT_EQ(deflated(pair.sender, "x"), "");
    // The peer has not seen those bytes through the extension, so nothing may refer to them.
    EXPECT_EQ(inflated(pair.receiver, deflated(pair.sender, greeting())), greeting());
  }
}

TEST(Compression, UnsentMessage_IsNotReferredTo) {
  for (const bool takeover : {false, true}) {
    Pair pair(takeover);
    pair.sender.forget_sent();  // nothing was sent yet
    EXPECT_NE(deflated(pair.sender, greeting()), "");
    pair.sender.forget_sent();
    EXPECT_EQ(inflated(pair.receiver, deflated(pair.sender, greeting())), greeting());
  }
}

// RFC 7692 §6: a message may be sent uncompressed. It does not enter the window, so the next
// compressed message refers to the one before it.
TEST(Compression, UsedUpShare_SendsUncompressedAndKeepsTheContext) {
  Pair pair(true);
  const std::string first = deflated(pair.sender, greeting());
  const std::string large(kDeflateShare, 'x');
  EXPECT_EQ(deflated(pair.sender, large), "");
  EXPECT_EQ(pair.sender_pool.not_deflated(), 1U);
  const std::string second = deflated(pair.sender, greeting());
  EXPECT_LT(second.size(), first.size());
  EXPECT_EQ(inflated(pair.receiver, first), greeting());
  EXPECT_EQ(inflated(pair.receiver, second), greeting());
}

TEST(Compression, UsedUpShare_BorrowsNoDecompressor) {
  Pair pair(false);
  const std::string bytes = deflated(pair.sender, greeting());
  pair.receiver_pool.inflating.spend(kInflateShare);
  Bytes rest = as_bytes(bytes);
  EXPECT_EQ(pair.receiver.inflate(rest, kLimit), Status::kUnfinished);
  EXPECT_EQ(rest.size(), bytes.size());
  EXPECT_EQ(pair.receiver_pool.inflated.size(), 0U);
  pair.receiver_pool.end_turn(true);
  EXPECT_EQ(pair.receiver.inflate(rest, kLimit), Status::kOk);
}

TEST(Compression, Limit_AppliesToInflatedBytes) {
  for (const bool takeover : {false, true}) {
    Pair pair(takeover);
    const std::string bytes = deflated(pair.sender, std::string(1000, 'x'));
    EXPECT_EQ(inflate(pair.receiver, bytes, 999), Status::kTooBig);
    Pair fresh(takeover);
    EXPECT_EQ(inflate(fresh.receiver, bytes, 1000), Status::kOk);
  }
}

TEST(Compression, ContextBytes_CountContextsOfTheConnection) {
  const DeflateParameters both = terms(true);
  EXPECT_EQ(context_bytes(both), inflater_bytes(both.client_max_window_bits) +
                                     deflater_bytes(both.server_max_window_bits));
  EXPECT_EQ(context_bytes(terms(false)), 0U);
  DeflateParameters one = terms(true);
  one.client_no_context_takeover = true;
  EXPECT_EQ(context_bytes(one), deflater_bytes(one.server_max_window_bits));
}

// RFC 1951 §3.2.4: a stored block has 5 bytes of overhead, and the flush adds an empty block.
TEST(Compression, CompressedLimit_FitsIncompressibleData) {
  Deflater deflater(15, kLevel);
  for (const std::size_t size : {0U, 1U, 100U, 10'000U, 300'000U}) {
    ByteBuffer out;
    ASSERT_TRUE(deflater.message(as_bytes(noise(size)), out));
    EXPECT_LE(out.size(), compressed_limit(size)) << size;
  }
}

}  // namespace
}  // namespace wsd::protocol
