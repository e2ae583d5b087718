#include "protocol/deflate.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "base/byte_buffer.h"

namespace wsd::protocol {
namespace {

using Status = Inflater::Status;
constexpr std::size_t kLimit = std::size_t{1} << 20;
constexpr std::size_t kUnlimited = std::size_t{1} << 60;

std::string text(ByteBuffer& buffer) { return std::string(as_text(buffer.bytes())); }

std::string deflated(Deflater& deflater, const std::string& plain) {
  ByteBuffer out;
  EXPECT_TRUE(deflater.message(as_bytes(plain), out));
  return text(out);
}

// Decompresses a whole message, in steps of at most `step` units of work.
Status inflate(Inflater& inflater, const std::string& bytes, ByteBuffer& out, std::size_t limit,
               std::size_t step = kUnlimited) {
  WorkShare share(step);
  Bytes rest = as_bytes(bytes);
  for (;;) {
    const Status status = inflater.message(rest, out, limit, share);
    if (status != Status::kUnfinished) return status;
    EXPECT_TRUE(share.step_used_up());
    share.begin_turn();
  }
}

// Returns "error N" unless the result is kOk.
std::string inflated(Inflater& inflater, const std::string& bytes, std::size_t limit = kLimit,
                     std::size_t step = kUnlimited) {
  ByteBuffer out;
  const Status status = inflate(inflater, bytes, out, limit, step);
  return status == Status::kOk ? text(out) : "error " + std::to_string(static_cast<int>(status));
}

std::string error(Status status) { return "error " + std::to_string(static_cast<int>(status)); }
const std::string kCorrupt = error(Status::kCorrupt);
const std::string kTooBig = error(Status::kTooBig);

std::string hello_like(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; out.size() < size; ++i) out += "{\"n\":" + std::to_string(i * i) + "},";
  out.resize(size);
  return out;
}

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string out(size, '\0');
  for (char& each : out) each = static_cast<char>(random());
  return out;
}

class Deflate : public ::testing::Test {
 protected:
  // A build without zlib cannot run these tests, and uses tests/protocol/deflate_absent_test.cc.
  void SetUp() override { ASSERT_TRUE(have_deflate()); }
};

// A flush ends in 00 00 FF FF. The byte before them stays, and its highest bit is zero.
TEST_F(Deflate, Rfc7692_7_2_1_TheEndOfTheFlushIsNotSent) {
  Deflater deflater(15, 6);
  for (const std::size_t size : {1U, 1000U, 70'000U}) {
    for (const std::string& plain : {hello_like(size), noise(size)}) {
      EXPECT_LT(static_cast<unsigned char>(deflated(deflater, plain).back()), 0x80) << size;
    }
  }
}

TEST_F(Deflate, Rfc7692_7_2_3_1_Hello) {
  Deflater deflater(15, 6);
  EXPECT_EQ(deflated(deflater, "Hello"), std::string("\xf2\x48\xcd\xc9\xc9\x07\x00", 7));
  Inflater inflater(15);
  EXPECT_EQ(inflated(inflater, std::string("\xf2\x48\xcd\xc9\xc9\x07\x00", 7)), "Hello");
}

TEST_F(Deflate, Rfc7692_7_2_3_2_WindowIsShared) {
  Deflater deflater(15, 6);
  Inflater inflater(15);
  const std::string first = deflated(deflater, "Hello");
  const std::string second = deflated(deflater, "Hello");
  EXPECT_LT(second.size(), first.size());
  EXPECT_EQ(inflated(inflater, first), "Hello");
  EXPECT_EQ(inflated(inflater, second), "Hello");
  Inflater fresh(15);
  EXPECT_EQ(inflated(fresh, second), kCorrupt) << "it refers to the first message";
}

TEST_F(Deflate, Rfc7692_7_1_1_ForgettingMakesMessagesStandAlone) {
  Deflater deflater(15, 6);
  const std::string first = deflated(deflater, "Hello");
  deflater.forget();
  EXPECT_EQ(deflated(deflater, "Hello"), first);
  Inflater inflater(15);
  EXPECT_EQ(inflated(inflater, first), "Hello");
  inflater.forget();
  EXPECT_EQ(inflated(inflater, std::string("\xf2\x00\x11\x00\x00", 5)), kCorrupt);
}

TEST_F(Deflate, Rfc7692_7_2_3_3_StoredBlock) {
  Inflater inflater(15);
  EXPECT_EQ(inflated(inflater, std::string("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11)),
            "Hello");
}

TEST_F(Deflate, Rfc7692_7_2_3_4_FinalBlock) {
  Inflater inflater(15);
  EXPECT_EQ(inflated(inflater, std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)), "Hello");
  // The window survives the final block.
  EXPECT_EQ(inflated(inflater, std::string("\xf2\x00\x11\x00\x00", 5)), "Hello");
}

TEST_F(Deflate, Rfc7692_7_2_3_5_TwoBlocks) {
  Inflater inflater(15);
  EXPECT_EQ(
      inflated(inflater, std::string("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13)),
      "Hello");
}

TEST_F(Deflate, Rfc7692_7_2_3_6_EmptyMessage) {
  Deflater deflater(15, 6);
  EXPECT_EQ(deflated(deflater, ""), std::string(1, '\0'));
  Inflater inflater(15);
  EXPECT_EQ(inflated(inflater, std::string(1, '\0')), "");
}

TEST_F(Deflate, Rfc7692_7_2_2_InvalidDeflateData) {
  Inflater inflater(15);
  EXPECT_EQ(inflated(inflater, "\xff\xff\xff"), kCorrupt) << "reserved block type";
  inflater.forget();
  EXPECT_EQ(inflated(inflater, std::string("\x00\x05\x00\xfa", 4)), kCorrupt) << "cut block";
  inflater.forget();
  const std::string whole("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
  // Truncated input is either rejected or gives a shorter text. It never hangs and never adds
  // bytes.
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Inflater cut(15);
    const std::string result = inflated(cut, whole.substr(0, size));
    EXPECT_TRUE(result == kCorrupt || std::string("Hello").starts_with(result)) << size << result;
  }
}

TEST_F(Deflate, Rfc7692_7_1_2_DistanceBeyondTheWindow) {
  // A match 1 KiB back: valid in a window of 2 KiB, an error in one of 512 bytes.
  const std::string plain = noise(1024) + noise(1024);
  Deflater deflater(15, 9);
  const std::string bytes = deflated(deflater, plain);
  ASSERT_LT(bytes.size(), std::size_t{1500});
  Inflater wide(11);
  EXPECT_EQ(inflated(wide, bytes), plain);
  Inflater narrow(9);
  EXPECT_EQ(inflated(narrow, bytes), kCorrupt);
}

TEST_F(Deflate, RoundTripInEveryWindowAndManySizes) {
  for (std::uint8_t bits = 9; bits <= 15; ++bits) {
    Deflater deflater(bits, 6);
    Inflater inflater(bits);
    for (const std::size_t size : {1U, 2U, 63U, 64U, 1000U, 4095U, 4096U, 4097U, 70'000U}) {
      for (const std::string& plain : {hello_like(size), noise(size), std::string(size, 'a')}) {
        EXPECT_EQ(inflated(inflater, deflated(deflater, plain)), plain) << int{bits} << " " << size;
      }
    }
  }
}

TEST_F(Deflate, Rfc7692_8_BombStopsAtTheLimit) {
  Deflater deflater(15, 9);
  const std::string bomb = deflated(deflater, std::string(std::size_t{32} << 20, '\0'));
  ASSERT_LT(bomb.size(), std::size_t{64} << 10);
  Inflater inflater(15);
  ByteBuffer out;
  EXPECT_EQ(inflate(inflater, bomb, out, kLimit), Status::kTooBig);
  EXPECT_LE(out.capacity(), kLimit + 1);
}

TEST_F(Deflate, LimitIsExact) {
  for (const std::size_t limit : {1U, 100U, 4095U, 4096U, 4097U, 10'000U}) {
    Deflater deflater(15, 6);
    const std::string fits = deflated(deflater, std::string(limit, 'x'));
    deflater.forget();
    const std::string over = deflated(deflater, std::string(limit + 1, 'x'));
    Inflater inflater(15);
    EXPECT_EQ(inflated(inflater, fits, limit).size(), limit);
    inflater.forget();
    EXPECT_EQ(inflated(inflater, over, limit), kTooBig);
  }
}

TEST_F(Deflate, RandomBytesNeverHang) {
  std::mt19937 random(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& each : bytes) each = static_cast<char>(random());
    Inflater inflater(static_cast<std::uint8_t>(9 + random() % 7));
    ByteBuffer out;
    static_cast<void>(inflate(inflater, bytes, out, 1000));
    EXPECT_LE(out.capacity(), std::size_t{4096});
  }
}

// The smallest step does one call of zlib.
TEST_F(Deflate, StepsOfEverySize_GiveTheSameBytes) {
  for (const std::uint8_t bits : std::initializer_list<std::uint8_t>{9, 12, 15}) {
    Deflater deflater(bits, 6);
    for (const std::size_t step : {std::size_t{1}, std::size_t{10'000}, std::size_t{100'000}}) {
      Inflater inflater(bits);
      deflater.forget();
      for (const std::string& plain :
           {hello_like(100'000), noise(50'000), noise(9), std::string(200'000, 'a')}) {
        EXPECT_EQ(inflated(inflater, deflated(deflater, plain), kLimit, step), plain)
            << int{bits} << " " << step;
      }
    }
  }
}

TEST_F(Deflate, StepsOfEverySize_FailAlike) {
  std::mt19937 random(5);
  Deflater deflater(10, 6);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = deflated(deflater, hello_like(random() % 3000));
    deflater.forget();
    for (unsigned change = 0; change < 1 + random() % 3; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    Inflater whole(10);
    Inflater stepwise(10);
    const std::string expected = inflated(whole, bytes, 2000);
    EXPECT_EQ(inflated(stepwise, bytes, 2000, 1), expected);
  }
}

// Blocks without content have a price, because zlib builds the tables of their codes: four of ten
// bits are five bytes (RFC 1951 §3.2.6).
TEST_F(Deflate, EmptyBlocks_AreCounted) {
  constexpr std::size_t kFives = 1000;
  std::string bytes;
  for (std::size_t i = 0; i < kFives; ++i) bytes += std::string("\x02\x08\x20\x80\x00", 5);
  bytes += '\0';
  WorkShare share(kUnlimited);
  Inflater inflater(15);
  ByteBuffer out;
  Bytes rest = as_bytes(bytes);
  ASSERT_EQ(inflater.message(rest, out, kLimit, share), Status::kOk);
  EXPECT_EQ(out.size(), 0U);
  EXPECT_GE(share.spent(), 4 * kFives * kInflateBlockWork + bytes.size() * kInflateInputWork);
}

TEST_F(Deflate, ForgettingAnUnfinishedMessage_StartsAfresh) {
  Deflater deflater(15, 6);
  const std::string bytes = deflated(deflater, hello_like(100'000));
  Inflater inflater(15);
  WorkShare share(1);
  ByteBuffer out;
  Bytes rest = as_bytes(bytes);
  ASSERT_EQ(inflater.message(rest, out, kLimit, share), Status::kUnfinished);
  EXPECT_LT(rest.size(), bytes.size());
  inflater.forget();
  EXPECT_EQ(inflated(inflater, bytes), hello_like(100'000));
}

// A small window with a large hash table would cost many times the work.
TEST_F(Deflate, MemoryLevel_FollowsTheWindow) {
  EXPECT_EQ(deflate_memory_level(9), 4);
  EXPECT_EQ(deflate_memory_level(12), 7);
  for (std::uint8_t bits = 13; bits <= 15; ++bits) EXPECT_EQ(deflate_memory_level(bits), 8);
}

TEST_F(Deflate, Work_GrowsWithLevelAndBytes) {
  for (int level = 1; level < 9; ++level) {
    EXPECT_LE(deflate_work(1000, level), deflate_work(1000, level + 1));
    EXPECT_LT(deflate_work(1000, level), deflate_work(1001, level));
  }
}

}  // namespace
}  // namespace wsd::protocol
