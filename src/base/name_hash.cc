#include "base/name_hash.h"

#include <bit>
#include <cstring>

#include "base/entropy.h"

namespace wsd {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void compress(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

// Reads the bytes as a little-endian word, as the hash is defined. A big-endian machine computes a
// different hash, which is equally good.
std::uint64_t load(const char* from, std::size_t count) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, count);
  return word;
}

}  // namespace

std::uint64_t keyed_hash(std::string_view text, HashKey key) noexcept {
  SipState state{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d,
                 key.low ^ 0x6c7967656e657261, key.high ^ 0x7465646279746573};
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) state.compress(load(at, 8));
  state.compress((left == 0 ? 0 : load(at, left)) | std::uint64_t{text.size()} << 56);
  state.v2 ^= 0xFF;
  for (int i = 0; i < 3; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

HashKey process_hash_key() noexcept {
  static const HashKey key{wsd_random_word(), wsd_random_word()};
  return key;
}

}  // namespace wsd
