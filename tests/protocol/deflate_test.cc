#include "protocol/deflate.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/byte_buffer.h"

namespace wsd::protocol {
namespace {

using Status = Inflater::Status;
constexpr std::size_t kLimit = std::size_t{1} << 20;

std::string text(ByteBuffer& buffer) { return std::string(as_text(buffer.bytes())); }

std::string deflated(Deflater& deflater, const std::string& plain) {
  ByteBuffer out;
  EXPECT_TRUE(deflater.message(as_bytes(plain), out));
  return text(out);
}

// Returns "error N" unless the result is kOk.
std::string inflated(Inflater& inflater, const std::string& bytes, std::size_t limit = kLimit) {
  ByteBuffer out;
  const Status status = inflater.message(as_bytes(bytes), out, limit);
  return status == Status::kOk ? text(out) : "error " + std::to_string(static_cast<int>(status));
}

const std::string kCorrupt = "error 1";
const std::string kTooBig = "error 2";

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
  EXPECT_EQ(inflater.message(as_bytes(bomb), out, kLimit), Status::kTooBig);
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
    static_cast<void>(inflater.message(as_bytes(bytes), out, 1000));
    EXPECT_LE(out.capacity(), std::size_t{4096});
  }
}

}  // namespace
}  // namespace wsd::protocol
