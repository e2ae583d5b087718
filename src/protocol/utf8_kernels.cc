// After J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte",
// Software: Practice and Experience 51(5), 2021.
//
// Three nibbles decide whether two adjacent bytes may follow each other: both of the first byte and
// the high nibble of the second. Each kind of error is a box in the space of these three nibbles
// and has one bit. Three 16-byte tables, one per nibble, contain the boxes in which a nibble may
// lie. A shuffle looks up all bytes of a vector at once. The AND of the three lookups is the set of
// boxes in which the pair lies.
//
// Pairs cannot show whether a continuation byte in third or fourth place is right. Two continuation
// bytes in a row are therefore a box too. Its bit is XORed with "a lead byte of three or four bytes
// is two or three places before". The text is invalid if they differ.
#include "protocol/utf8_kernels.h"

#include <array>
#include <cstring>

#include "protocol/utf8_states.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace wsd::protocol {
namespace {

bool valid_portable(const std::uint8_t* data, std::size_t size) noexcept {
  std::uint8_t state = kUtf8Between;
  std::size_t at = 0;
  while (at < size) {
    std::uint64_t word = 0;
    if (state == kUtf8Between && size - at >= sizeof word) {
      std::memcpy(&word, data + at, sizeof word);
      if ((word & 0x8080808080808080U) == 0) {
        at += sizeof word;
        continue;
      }
    }
    state = kUtf8Next[state][data[at]];
    ++at;
  }
  return state == kUtf8Between;
}

#ifdef __x86_64__

// The nibbles of a box in one dimension, one bit for each of the sixteen.
struct Box {
  unsigned first_high;
  unsigned first_low;
  unsigned second_high;
};

constexpr unsigned nibbles(unsigned from, unsigned to) { return (1U << (to + 1)) - (1U << from); }
constexpr unsigned kAny = nibbles(0x0, 0xF);
constexpr unsigned kContinuation = nibbles(0x8, 0xB);

// Box i has bit i. Two continuations in a row must have the highest bit.
constexpr std::array kBoxes = {
    Box{nibbles(0xC, 0xF), kAny, kAny & ~kContinuation},       // a lead byte without continuation
    Box{nibbles(0x0, 0x7), kAny, kContinuation},               // a continuation after ASCII
    Box{nibbles(0xC, 0xC), nibbles(0x0, 0x1), kContinuation},  // C0, C1: overlong
    Box{nibbles(0xE, 0xE), nibbles(0x0, 0x0), nibbles(0x8, 0x9)},  // E0 80..9F: overlong
    Box{nibbles(0xE, 0xE), nibbles(0xD, 0xD), nibbles(0xA, 0xB)},  // ED A0..BF: surrogate
    Box{nibbles(0xF, 0xF), nibbles(0x4, 0xF), nibbles(0x9, 0xB)},  // F4 90.. and above: too large
    Box{nibbles(0xF, 0xF), nibbles(0x0, 0x0) | nibbles(0x5, 0xF),  // F0 80..8F: overlong;
        nibbles(0x8, 0x8)},                                        // F5 80.. and above: too large
    Box{nibbles(0x8, 0xB), kAny, kContinuation},                   // valid in third or fourth place
};
static_assert(kBoxes.size() == 8);

constexpr std::array<std::uint8_t, 16> look_up_table(unsigned Box::*nibble) {
  std::array<std::uint8_t, 16> table = {};
  for (std::size_t i = 0; i < kBoxes.size(); ++i) {
    for (std::size_t n = 0; n < table.size(); ++n) {
      table[n] = static_cast<std::uint8_t>(table[n] | ((kBoxes[i].*nibble >> n & 1U) << i));
    }
  }
  return table;
}
alignas(16) constexpr auto kFirstHigh = look_up_table(&Box::first_high);
alignas(16) constexpr auto kFirstLow = look_up_table(&Box::first_low);
alignas(16) constexpr auto kSecondHigh = look_up_table(&Box::second_high);

// Finds a sequence that a vector cuts off. Subtracting these with saturation leaves a nonzero value
// only for a lead byte in the last three bytes whose sequence does not end inside.
constexpr std::array<std::uint8_t, 32> last_three_table() {
  std::array<std::uint8_t, 32> table = {};
  table.fill(0xFF);
  table[29] = 0xF0 - 1;
  table[30] = 0xE0 - 1;
  table[31] = 0xC0 - 1;
  return table;
}
alignas(32) constexpr auto kLastThree = last_three_table();

constexpr std::size_t kBlock = 64;

#define WSD_SSSE3 __attribute__((target("ssse3")))
#define WSD_AVX2 __attribute__((target("avx2")))

// The state of one pass over a text. The two vector widths do the same with their own intrinsics.
// A template could not be shared between them and still be inlined, because their target attributes
// differ.
struct Ssse3Pass {
  __m128i error;
  __m128i previous;  // the sixteen bytes before; zeros, which are ASCII, before the first
  __m128i open;      // nonzero if `previous` ends inside a sequence
};

WSD_SSSE3 inline __m128i look_up(const std::array<std::uint8_t, 16>& table, __m128i nibble) {
  return _mm_shuffle_epi8(_mm_load_si128(reinterpret_cast<const __m128i*>(table.data())), nibble);
}

WSD_SSSE3 inline void check_vector(Ssse3Pass& pass, __m128i bytes) {
  const __m128i low_nibble = _mm_set1_epi8(0x0F);
  const __m128i before1 = _mm_alignr_epi8(bytes, pass.previous, 15);
  const __m128i before2 = _mm_alignr_epi8(bytes, pass.previous, 14);
  const __m128i before3 = _mm_alignr_epi8(bytes, pass.previous, 13);
  const __m128i boxes = _mm_and_si128(
      _mm_and_si128(look_up(kFirstHigh, _mm_and_si128(_mm_srli_epi16(before1, 4), low_nibble)),
                    look_up(kFirstLow, _mm_and_si128(before1, low_nibble))),
      look_up(kSecondHigh, _mm_and_si128(_mm_srli_epi16(bytes, 4), low_nibble)));
  // The subtraction sets the highest bit from E0 on, or from F0 on.
  const __m128i third = _mm_subs_epu8(before2, _mm_set1_epi8(0xE0 - 0x80));
  const __m128i fourth = _mm_subs_epu8(before3, _mm_set1_epi8(0xF0 - 0x80));
  const __m128i expected =
      _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8(static_cast<char>(0x80)));
  pass.error = _mm_or_si128(pass.error, _mm_xor_si128(boxes, expected));
  pass.previous = bytes;
}

WSD_SSSE3 inline void check_block(Ssse3Pass& pass, const std::uint8_t* data) {
  const auto* const v = reinterpret_cast<const __m128i*>(data);
  const __m128i a = _mm_loadu_si128(v);
  const __m128i b = _mm_loadu_si128(v + 1);
  const __m128i c = _mm_loadu_si128(v + 2);
  const __m128i d = _mm_loadu_si128(v + 3);
  if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) == 0) {
    pass.error = _mm_or_si128(pass.error, pass.open);
    pass.previous = d;
    pass.open = _mm_setzero_si128();
    return;
  }
  check_vector(pass, a);
  check_vector(pass, b);
  check_vector(pass, c);
  check_vector(pass, d);
  const auto* const last = reinterpret_cast<const __m128i*>(kLastThree.data() + 16);
  pass.open = _mm_subs_epu8(d, _mm_load_si128(last));
}

WSD_SSSE3 bool valid_ssse3(const std::uint8_t* data, std::size_t size) noexcept {
  Ssse3Pass pass = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
  std::size_t at = 0;
  for (; size - at >= kBlock; at += kBlock) {
    check_block(pass, data + at);
  }
  if (at != size) {
    std::array<std::uint8_t, kBlock> rest = {};
    std::memcpy(rest.data(), data + at, size - at);
    check_block(pass, rest.data());
  }
  const __m128i error = _mm_or_si128(pass.error, pass.open);
  return _mm_movemask_epi8(_mm_cmpeq_epi8(error, _mm_setzero_si128())) == 0xFFFF;
}

struct Avx2Pass {
  __m256i error;
  __m256i previous;
  __m256i open;
};

WSD_AVX2 inline __m256i look_up_wide(const std::array<std::uint8_t, 16>& table, __m256i nibble) {
  const __m128i once = _mm_load_si128(reinterpret_cast<const __m128i*>(table.data()));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(once), nibble);
}

WSD_AVX2 inline void check_vector(Avx2Pass& pass, __m256i bytes) {
  const __m256i low_nibble = _mm256_set1_epi8(0x0F);
  // alignr works within 16-byte lanes, so each lane needs the previous lane next to it.
  const __m256i lane_before = _mm256_permute2x128_si256(pass.previous, bytes, 0x21);
  const __m256i before1 = _mm256_alignr_epi8(bytes, lane_before, 15);
  const __m256i before2 = _mm256_alignr_epi8(bytes, lane_before, 14);
  const __m256i before3 = _mm256_alignr_epi8(bytes, lane_before, 13);
  const __m256i boxes = _mm256_and_si256(
      _mm256_and_si256(
          look_up_wide(kFirstHigh, _mm256_and_si256(_mm256_srli_epi16(before1, 4), low_nibble)),
          look_up_wide(kFirstLow, _mm256_and_si256(before1, low_nibble))),
      look_up_wide(kSecondHigh, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_nibble)));
  const __m256i third = _mm256_subs_epu8(before2, _mm256_set1_epi8(0xE0 - 0x80));
  const __m256i fourth = _mm256_subs_epu8(before3, _mm256_set1_epi8(0xF0 - 0x80));
  const __m256i expected =
      _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(static_cast<char>(0x80)));
  pass.error = _mm256_or_si256(pass.error, _mm256_xor_si256(boxes, expected));
  pass.previous = bytes;
}

WSD_AVX2 inline void check_block(Avx2Pass& pass, const std::uint8_t* data) {
  const auto* const v = reinterpret_cast<const __m256i*>(data);
  const __m256i a = _mm256_loadu_si256(v);
  const __m256i b = _mm256_loadu_si256(v + 1);
  if (_mm256_movemask_epi8(_mm256_or_si256(a, b)) == 0) {
    pass.error = _mm256_or_si256(pass.error, pass.open);
    pass.previous = b;
    pass.open = _mm256_setzero_si256();
    return;
  }
  check_vector(pass, a);
  check_vector(pass, b);
  const auto* const last = reinterpret_cast<const __m256i*>(kLastThree.data());
  pass.open = _mm256_subs_epu8(b, _mm256_load_si256(last));
}

WSD_AVX2 bool valid_avx2(const std::uint8_t* data, std::size_t size) noexcept {
  Avx2Pass pass = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  std::size_t at = 0;
  for (; size - at >= kBlock; at += kBlock) {
    check_block(pass, data + at);
  }
  if (at != size) {
    std::array<std::uint8_t, kBlock> rest = {};
    std::memcpy(rest.data(), data + at, size - at);
    check_block(pass, rest.data());
  }
  const __m256i error = _mm256_or_si256(pass.error, pass.open);
  return _mm256_testz_si256(error, error) != 0;
}

#endif  // __x86_64__

}  // namespace

std::span<const Utf8Kernel> utf8_kernels() noexcept {
  static const std::array kernels = {
#ifdef __x86_64__
      Utf8Kernel{"avx2", valid_avx2, __builtin_cpu_supports("avx2") != 0},
      Utf8Kernel{"ssse3", valid_ssse3, __builtin_cpu_supports("ssse3") != 0},
#endif
      Utf8Kernel{"portable", valid_portable, true},
  };
  return kernels;
}

}  // namespace wsd::protocol
