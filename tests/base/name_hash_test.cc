#include "base/name_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace wsd {
namespace {

// The paper's key, 00 01 .. 0F, as two little-endian words.
constexpr HashKey kPaperKey{0x0706050403020100, 0x0F0E0D0C0B0A0908};

// SipHash-c-d from section 2 of the paper, byte by byte. It is general, so that the paper's vector
// for SipHash-2-4 verifies it.
std::uint64_t sip_hash(int c, int d, std::string_view text, HashKey key) {
  std::uint64_t v[4] = {key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d,
                        key.low ^ 0x6c7967656e657261, key.high ^ 0x7465646279746573};
  const auto rounds = [&v](int count) {
    for (int i = 0; i < count; ++i) {
      v[0] += v[1], v[2] += v[3];
      v[1] = std::rotl(v[1], 13), v[3] = std::rotl(v[3], 16);
      v[1] ^= v[0], v[3] ^= v[2];
      v[0] = std::rotl(v[0], 32);
      v[2] += v[1], v[0] += v[3];
      v[1] = std::rotl(v[1], 17), v[3] = std::rotl(v[3], 21);
      v[1] ^= v[2], v[3] ^= v[0];
      v[2] = std::rotl(v[2], 32);
    }
  };
  const std::size_t words = text.size() / 8 + 1;
  for (std::size_t word = 0; word < words; ++word) {
    std::uint64_t m = word + 1 == words ? std::uint64_t{text.size() % 256} << 56 : 0;
    for (std::size_t i = 0; i < 8 && word * 8 + i < text.size(); ++i) {
      m |= std::uint64_t{static_cast<std::uint8_t>(text[word * 8 + i])} << (8 * i);
    }
    v[3] ^= m;
    rounds(c);
    v[0] ^= m;
  }
  v[2] ^= 0xFF;
  rounds(d);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

std::string counting(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(i);
  return out;
}

TEST(NameHash, Reference_MatchesThePapersVector) {
  EXPECT_EQ(sip_hash(2, 4, counting(15), kPaperKey), 0xa129ca6149be45e5);
}

TEST(NameHash, IsSipHash13) {
  if constexpr (std::endian::native != std::endian::little) GTEST_SKIP() << "big-endian";
  EXPECT_EQ(keyed_hash("", kPaperKey), 0xabac0158050fc4dc);
  for (std::size_t size = 0; size <= 300; ++size) {
    const std::string text = counting(size);
    ASSERT_EQ(keyed_hash(text, kPaperKey), sip_hash(1, 3, text, kPaperKey)) << size;
    ASSERT_EQ(keyed_hash(text, HashKey{}), sip_hash(1, 3, text, HashKey{})) << size;
  }
}

TEST(NameHash, Hash_DoesNotDependOnTheAddress) {
  const std::string text = counting(40);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const std::string shifted = std::string(shift, 'x') + text;
    EXPECT_EQ(keyed_hash(std::string_view(shifted).substr(shift), kPaperKey),
              keyed_hash(text, kPaperKey));
  }
}

TEST(NameHash, Hash_DependsOnBothHalvesOfTheKey) {
  std::set<std::uint64_t> hashes;
  for (int bit = 0; bit < 64; ++bit) {
    hashes.insert(keyed_hash("room", {std::uint64_t{1} << bit, 0}));
    hashes.insert(keyed_hash("room", {0, std::uint64_t{1} << bit}));
  }
  EXPECT_EQ(hashes.size(), 128U);
}

TEST(NameHash, TheProcessHasOneKeyForAllThreads) {
  const HashKey key = process_hash_key();
  std::vector<HashKey> seen(4);
  std::vector<std::thread> threads;
  for (HashKey& each : seen) threads.emplace_back([&each] { each = process_hash_key(); });
  for (std::thread& each : threads) each.join();
  for (const HashKey& each : seen) {
    EXPECT_EQ(each.low, key.low);
    EXPECT_EQ(each.high, key.high);
  }
  EXPECT_TRUE(key.low != 0 || key.high != 0);
}

TEST(NameHash, StringView_FindsAString) {
  std::unordered_map<std::string, int, NameHash, std::equal_to<>> rooms;
  rooms.emplace("lobby", 1);
  rooms.emplace("a room with a name that needs memory of its own", 2);
  EXPECT_EQ(rooms.find(std::string_view("lobby"))->second, 1);
  EXPECT_EQ(rooms.find(std::string_view("lobb")), rooms.end());
}

}  // namespace
}  // namespace wsd
