// Masking (RFC 6455 §5.3).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/bytes.h"

namespace wsd::protocol {

using MaskingKey = std::array<std::uint8_t, 4>;

// The implementation of apply_mask(), for mask.cc and its tests. A "mask word" contains the key's
// octets in memory order, so that it can be XORed with four bytes of the payload.
namespace mask_detail {

// Returns the mask word that applies `bytes` later in the payload.
[[nodiscard]] constexpr std::uint32_t advance(std::uint32_t word, std::uint64_t bytes) noexcept {
  const auto bits = static_cast<int>(bytes % 4 * 8);
  return std::endian::native == std::endian::little ? std::rotr(word, bits) : std::rotl(word, bits);
}

[[nodiscard]] constexpr std::uint64_t twice(std::uint32_t word) noexcept {
  return std::uint64_t{word} << 32 | word;
}

typedef std::uint32_t Chunk __attribute__((vector_size(16)));

// Returns 0 if all octets are ASCII. The value is not a bool, because the compiler would compare it
// twice on the path of small messages.
[[nodiscard]] inline std::uint64_t high_bits(std::uint64_t octets) noexcept {
  return octets & 0x8080808080808080U;
}
[[nodiscard]] inline std::uint64_t high_bits(Chunk octets) noexcept {
#ifdef __SSE2__
  return static_cast<unsigned>(_mm_movemask_epi8(std::bit_cast<__m128i>(octets)));
#else
  return high_bits(std::uint64_t{octets[0] | octets[1] | octets[2] | octets[3]});
#endif
}

// Masks sizeof(Word) to 2 * sizeof(Word) bytes as two words, one from each end. Both are read
// before the first is written, so overlapping bytes are not masked twice. Returns the OR of the
// results.
template <class Word>
inline Word both_ends(std::uint8_t* data, std::size_t size, Word head_mask,
                      Word tail_mask) noexcept {
  std::uint8_t* const tail_at = data + size - sizeof(Word);
  Word head;
  Word tail;
  std::memcpy(&head, data, sizeof head);
  std::memcpy(&tail, tail_at, sizeof tail);
  head ^= head_mask;
  tail ^= tail_mask;
  std::memcpy(data, &head, sizeof head);
  std::memcpy(tail_at, &tail, sizeof tail);
  return head | tail;
}

inline constexpr std::size_t kMostShort = 2 * sizeof(Chunk);

// Masks at most kMostShort bytes. Returns 0 if all results are ASCII, so that the caller need not
// read them again. Such a read would wait until overlapping stores have left the store buffer.
inline std::uint64_t apply_short(std::uint8_t* data, std::size_t size,
                                 std::uint32_t word) noexcept {
  const std::uint32_t tail_word = advance(word, size);
  if (size >= sizeof(Chunk)) {
    const Chunk head = {word, word, word, word};
    const Chunk tail = {tail_word, tail_word, tail_word, tail_word};
    return high_bits(both_ends(data, size, head, tail));
  }
  if (size >= 8) {
    return high_bits(both_ends(data, size, twice(word), twice(tail_word)));
  }
  if (size >= 4) {
    return high_bits(std::uint64_t{both_ends(data, size, word, tail_word)});
  }
  const auto octets = std::bit_cast<MaskingKey>(word);
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < size; ++i) {
    data[i] = static_cast<std::uint8_t>(data[i] ^ octets[i]);
    all |= data[i];
  }
  return high_bits(all);
}

// Masks any number of bytes, with the best kernel for this CPU. Returns whether all results are
// ASCII.
bool apply_long(std::uint8_t* data, std::size_t size, std::uint32_t word) noexcept;

}  // namespace mask_detail

// XORs each byte with the key's octet at (offset + i) mod 4, in place. Masks and unmasks. `offset`
// is the number of payload bytes before these.
//
// Inline for short payloads, because most messages have about twenty bytes and a call would cost
// more than the work.
inline void apply_mask(MutableBytes bytes, MaskingKey key, std::uint64_t offset = 0) noexcept {
  const std::uint32_t word = mask_detail::advance(std::bit_cast<std::uint32_t>(key), offset);
  if (bytes.size() <= mask_detail::kMostShort) {
    mask_detail::apply_short(bytes.data(), bytes.size(), word);
  } else {
    mask_detail::apply_long(bytes.data(), bytes.size(), word);
  }
}

}  // namespace wsd::protocol
