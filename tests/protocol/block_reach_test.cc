#include "protocol/block_reach.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "protocol/deflate.h"

namespace wsd::protocol {
namespace {

constexpr std::size_t kLong = std::size_t{16} << 10;
constexpr std::size_t kWindow = 512;
constexpr std::uint8_t kBits = 9;

// Bits of a stored block's header, and of two blocks with dynamic codes. The five highest of 13
// bits are the number of distance codes less one.
constexpr unsigned kStored = 0;
constexpr unsigned kFixed = 1U << 1;
constexpr unsigned dynamic(unsigned distance_codes) { return 2U << 1 | (distance_codes - 1) << 8; }

std::array<std::uint8_t, 2> two_bytes(unsigned bits) {
  return {static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8)};
}

std::size_t first_step(unsigned header, std::uint8_t window_bits = kBits) {
  BlockReach reach(window_bits);
  return reach.output_step(two_bytes(header));
}

TEST(BlockReach, Rfc1951_3_2_5_CodesForFarDistances_MakeStepsShort) {
  for (std::uint8_t bits = 8; bits < 15; ++bits) {
    EXPECT_EQ(first_step(kStored, bits), kLong);
    EXPECT_EQ(first_step(kFixed, bits), std::size_t{1} << bits);
    EXPECT_EQ(first_step(dynamic(2U * bits), bits), kLong) << int{bits};
    EXPECT_EQ(first_step(dynamic(2U * bits + 1), bits), std::size_t{1} << bits) << int{bits};
  }
  EXPECT_EQ(first_step(dynamic(32), 15), kLong);
}

TEST(BlockReach, BlockThatReachesFar_GetsTheWindowOnceAndThenAnEighth) {
  BlockReach reach(kBits);
  EXPECT_EQ(reach.output_step(two_bytes(kFixed)), kWindow);
  reach.advance(two_bytes(kFixed), 100, false, 3);
  EXPECT_EQ(reach.output_step({}), kWindow - 100);
  reach.advance({}, 400, false, 3);
  EXPECT_EQ(reach.output_step({}), kWindow / 8);
  reach.forget();
  EXPECT_EQ(reach.output_step(two_bytes(kFixed)), kWindow);
}

TEST(BlockReach, HeaderBeginsInBitsOfAnEarlierByte) {
  for (unsigned unused = 0; unused < 8; ++unused) {
    for (const unsigned codes : {18U, 19U}) {
      BlockReach reach(kBits);
      const std::uint64_t bits = std::uint64_t{dynamic(codes)} << (8 - unused);
      const std::uint8_t last = static_cast<std::uint8_t>(bits);
      reach.advance(Bytes(&last, 1), 10'000, true, unused);
      const std::size_t expected = codes == 18 ? kLong : kWindow / 8;
      EXPECT_EQ(reach.output_step(two_bytes(static_cast<unsigned>(bits >> 8))), expected)
          << unused << " " << codes;
    }
  }
}

TEST(BlockReach, HeaderThatIsCutOff_MakesStepsShort) {
  BlockReach reach(kBits);
  reach.advance({}, 10'000, true, 0);
  EXPECT_EQ(reach.output_step(Bytes(two_bytes(dynamic(18))).first(1)), kWindow / 8);
}

TEST(BlockReach, BlockKeepsItsStep) {
  BlockReach reach(kBits);
  EXPECT_EQ(reach.output_step(two_bytes(dynamic(18))), kLong);
  reach.advance(two_bytes(dynamic(18)), 10'000, false, 0);
  EXPECT_EQ(reach.output_step(two_bytes(dynamic(30))), kLong);
  reach.advance({}, 0, true, 0);
  EXPECT_EQ(reach.output_step(two_bytes(dynamic(30))), kWindow / 8);
}

unsigned below(std::mt19937& random, std::size_t end) {
  return static_cast<unsigned>(random() % end);
}

// Writes blocks of random literals and matches, and knows the largest distance.
class Writer {
 public:
  explicit Writer(std::mt19937& random) : random_(random) {}

  // Writes a block whose codes have fixed lengths: 8 and 9 for literals, 4 and 5 for distances.
  // `distance_codes` is 0 for a stored block, or 16 to 30. No distance exceeds `longest`.
  void block(unsigned distance_codes, std::size_t longest, std::size_t tokens) {
    if (distance_codes == 0) return stored(tokens);
    begin_dynamic(distance_codes);
    for (std::size_t i = 0; i < tokens; ++i) {
      if (below(random_, 8) == 0)
        match(distance_codes, longest);
      else
        literal(below(random_, 256));
    }
    symbol(256, kLiterals);
  }
  // Returns the bytes without the four of the flush, which end the last block (RFC 7692 §7.2.1).
  std::string message() {
    put(kStored, 3);
    if (count_ != 0) put(0, 8 - count_);
    return std::exchange(bytes_, {});
  }
  const std::string& plain() const { return plain_; }
  std::size_t farthest() const { return farthest_; }

 private:
  static constexpr unsigned kLiterals = 286;

  void put(std::uint32_t value, unsigned bits) {
    for (unsigned i = 0; i < bits; ++i) {
      if (count_ == 0) bytes_ += '\0';
      bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) |
                                        (value >> i & 1U) << count_);
      count_ = (count_ + 1) % 8;
    }
  }
  // The shortest length that is enough for `codes` symbols; the last ones have one bit more.
  static unsigned short_bits(unsigned codes) { return codes > 256 ? 8 : 4; }
  void symbol(unsigned number, unsigned codes) {
    const unsigned bits = short_bits(codes);
    const unsigned shorter = (2U << bits) - codes;  // symbols of that length
    const bool is_short = number < shorter;
    const unsigned code = is_short ? number : 2 * shorter + (number - shorter);
    const unsigned length = is_short ? bits : bits + 1;
    for (unsigned i = length; i-- > 0;) put(code >> i & 1U, 1);  // RFC 1951 §3.1.1
  }
  void begin_dynamic(unsigned distance_codes) {
    put(2U << 1, 3);
    put(kLiterals - 257, 5);
    put(distance_codes - 1, 5);
    // The code lengths 4, 5, 8 and 9 have codes of two bits, in the order of RFC 1951 §3.2.7.
    constexpr std::array<unsigned, 12> kOrder = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4};
    put(kOrder.size() - 4, 4);
    for (const unsigned each : kOrder) {
      put(each == 4 || each == 5 || each == 8 || each == 9 ? 2 : 0, 3);
    }
    lengths(kLiterals);
    lengths(distance_codes);
  }
  void lengths(unsigned codes) {
    const unsigned bits = short_bits(codes);
    for (unsigned i = 0; i < codes; ++i) {
      const unsigned number = (bits == 8 ? 2U : 0U) + (i < (2U << bits) - codes ? 0U : 1U);
      put(number >> 1, 1);
      put(number & 1U, 1);
    }
  }
  void literal(unsigned byte) {
    symbol(byte, kLiterals);
    plain_ += static_cast<char>(byte);
  }
  void match(unsigned distance_codes, std::size_t longest) {
    // The bases of codes 2n and 2n + 1 are 2^n + 1 and 3 * 2^(n - 1) + 1.
    const std::size_t reach = distance_codes % 2 == 0 ? std::size_t{1} << (distance_codes / 2)
                                                      : std::size_t{3} << (distance_codes / 2 - 1);
    const std::size_t most = std::min({reach, longest, plain_.size()});
    if (most == 0) return literal('x');
    const std::size_t distance = most - below(random_, std::min<std::size_t>(most, 100));
    const unsigned size = 3 + below(random_, 8);
    symbol(254 + size, kLiterals);  // codes 257 to 264 are for 3 to 10 bytes
    unsigned code = 0;
    std::size_t base = 1;
    unsigned extra = 0;
    while (base + (std::size_t{1} << extra) <= distance) {
      base += std::size_t{1} << extra;
      ++code;
      extra = code < 2 ? 0 : code / 2 - 1;
    }
    symbol(code, distance_codes);
    put(static_cast<std::uint32_t>(distance - base), extra);
    for (unsigned i = 0; i < size; ++i) plain_ += plain_[plain_.size() - distance];
    farthest_ = std::max(farthest_, distance);
  }
  void stored(std::size_t size) {
    put(kStored, 3);
    if (count_ != 0) put(0, 8 - count_);
    put(static_cast<std::uint32_t>(size), 16);
    put(~static_cast<std::uint32_t>(size), 16);
    for (std::size_t i = 0; i < size; ++i) {
      bytes_ += static_cast<char>(random_());
      plain_ += bytes_.back();
    }
  }

  std::mt19937& random_;
  std::string bytes_;
  std::string plain_;
  unsigned count_ = 0;  // bits used of the last byte, or 0 if all
  std::size_t farthest_ = 0;
};

// Two messages with a common window. Distances up to the window must pass, and distances beyond it
// and an eighth must fail, whatever the kinds of blocks.
TEST(BlockReach, Rfc7692_7_1_2_RandomStreams_PassUpToTheWindowAndFailBeyond) {
  if (!have_deflate()) GTEST_SKIP() << "this build has no zlib";
  std::mt19937 random(3);
  std::array<int, 2> seen = {};
  for (int i = 0; i < 4000; ++i) {
    const auto bits = static_cast<std::uint8_t>(9 + below(random, 3));
    const std::size_t window = std::size_t{1} << bits;
    const std::size_t longest = below(random, 2) == 0 ? window : window * 5 / 4;
    Writer writer(random);
    Inflater inflater(bits);
    std::size_t before = 0;
    Inflater::Status status = Inflater::Status::kOk;
    for (int message = 0; message < 2 && status == Inflater::Status::kOk; ++message) {
      for (unsigned blocks = below(random, 4); blocks-- > 0;) {
        const unsigned codes = below(random, 5) == 0 ? 0 : 2U * bits - 2 + below(random, 6);
        writer.block(codes, longest, below(random, 1500));
      }
      const std::string bytes = writer.message();
      Bytes rest = as_bytes(bytes);
      WorkShare share(std::size_t{1} << 60);
      ByteBuffer out;
      status = inflater.message(rest, out, std::size_t{1} << 20, share);
      if (status == Inflater::Status::kOk) {
        ASSERT_EQ(as_text(out.bytes()), writer.plain().substr(before)) << i;
      }
      before = writer.plain().size();
    }
    if (writer.farthest() <= window) {
      ++seen[0];
      ASSERT_EQ(status, Inflater::Status::kOk) << i;
    } else if (writer.farthest() > window + window / 8) {
      ++seen[1];
      ASSERT_EQ(status, Inflater::Status::kCorrupt) << i;
    }
  }
  EXPECT_GT(std::min(seen[0], seen[1]), 500);
}

}  // namespace
}  // namespace wsd::protocol
