// Finds the first byte of a request head that is not plain, sixteen bytes at a time.
//
// Each function returns how many bytes at the start of `text` belong to a class of characters. The
// byte after them may belong to the class too: the caller must handle it, and may then call again.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "protocol/syntax.h"

namespace wsd::protocol::head_scan {

// The classes. RFC 9110 §5.1: a name is a token, and the names in use consist of these characters.
[[nodiscard]] constexpr bool is_name_byte(char c) noexcept {
  return is_alpha(c) || is_digit(c) || c == '-';
}
// RFC 9110 §5.5: a value has no control character but the tab.
[[nodiscard]] constexpr bool is_value_byte(char c) noexcept { return !is_control_byte(c); }

// The portable twin of the scans below, and their last bytes.
template <bool is_plain(char) noexcept>
[[nodiscard]] std::size_t plain_bytes(std::string_view text, std::size_t at = 0) noexcept {
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

#ifdef __SSE2__

// Returns the bytes that are from `first` to `last`, as 0xff. SSE2 compares bytes as signed
// numbers, so the range is moved to the lowest ones.
[[nodiscard]] inline __m128i in_range(__m128i block, char first, char last) noexcept {
  constexpr int kLowest = -128;
  const __m128i moved = _mm_sub_epi8(block, _mm_set1_epi8(static_cast<char>(first - kLowest)));
  return _mm_cmplt_epi8(moved, _mm_set1_epi8(static_cast<char>(kLowest + (last - first) + 1)));
}

[[nodiscard]] inline __m128i equal(__m128i block, char c) noexcept {
  return _mm_cmpeq_epi8(block, _mm_set1_epi8(c));
}

[[nodiscard]] inline unsigned mask_of(__m128i bytes) noexcept {
  return static_cast<unsigned>(_mm_movemask_epi8(bytes));
}

constexpr unsigned kAllBytes = 0xffff;

// Each returns a bit for every byte of the block that is not of the class.
[[nodiscard]] inline unsigned not_name_bytes(__m128i block) noexcept {
  constexpr char kLowerCase = 0x20;
  const __m128i lower = _mm_or_si128(block, _mm_set1_epi8(kLowerCase));
  const __m128i letter = in_range(lower, 'a', 'z');
  const __m128i other = _mm_or_si128(in_range(block, '0', '9'), equal(block, '-'));
  return ~mask_of(_mm_or_si128(letter, other)) & kAllBytes;
}

[[nodiscard]] inline unsigned not_value_bytes(__m128i block) noexcept {
  // Unsigned: the greater of a byte and 0x1f is 0x1f only for control characters.
  const __m128i limit = _mm_set1_epi8(0x1f);
  const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(block, limit), limit);
  return mask_of(_mm_or_si128(control, equal(block, 0x7f)));
}

[[nodiscard]] inline unsigned not_target_bytes(__m128i block) noexcept {
  const __m128i quote = _mm_or_si128(equal(block, '"'), equal(block, '#'));
  const __m128i angle = _mm_or_si128(equal(block, '<'), equal(block, '>'));
  const unsigned visible = mask_of(in_range(block, '!', '~'));
  return (~visible | mask_of(_mm_or_si128(quote, angle))) & kAllBytes;
}

template <bool is_plain(char) noexcept, unsigned not_plain(__m128i) noexcept>
[[nodiscard]] std::size_t scan(std::string_view text) noexcept {
  constexpr std::size_t kBlock = sizeof(__m128i);
  std::size_t at = 0;
  for (; text.size() - at >= kBlock; at += kBlock) {
    __m128i block;
    std::memcpy(&block, text.data() + at, kBlock);
    if (const unsigned found = not_plain(block); found != 0) {
      return at + static_cast<std::size_t>(std::countr_zero(found));
    }
  }
  return plain_bytes<is_plain>(text, at);
}

[[nodiscard]] inline std::size_t name_bytes(std::string_view text) noexcept {
  return scan<is_name_byte, not_name_bytes>(text);
}
[[nodiscard]] inline std::size_t value_bytes(std::string_view text) noexcept {
  return scan<is_value_byte, not_value_bytes>(text);
}
[[nodiscard]] inline std::size_t target_bytes(std::string_view text) noexcept {
  return scan<is_target_byte, not_target_bytes>(text);
}

#else

[[nodiscard]] inline std::size_t name_bytes(std::string_view text) noexcept {
  return plain_bytes<is_name_byte>(text);
}
[[nodiscard]] inline std::size_t value_bytes(std::string_view text) noexcept {
  return plain_bytes<is_value_byte>(text);
}
[[nodiscard]] inline std::size_t target_bytes(std::string_view text) noexcept {
  return plain_bytes<is_target_byte>(text);
}

#endif

}  // namespace wsd::protocol::head_scan
