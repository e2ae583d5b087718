#include "protocol/mask.h"

#include <algorithm>
#include <array>

#include "protocol/mask_kernels.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace wsd::protocol {
namespace {

using mask_detail::advance;

// Each kernel collects the OR of its results, which costs much less than reading them again.

bool apply_portable(std::uint8_t* data, std::size_t size, std::uint32_t word) noexcept {
  const std::uint64_t mask = mask_detail::twice(word);
  std::uint64_t all = 0;
  std::size_t at = 0;
  for (; size - at >= sizeof mask; at += sizeof mask) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, data + at, sizeof bytes);
    bytes ^= mask;
    all |= bytes;
    std::memcpy(data + at, &bytes, sizeof bytes);
  }
  return (mask_detail::apply_short(data + at, size - at, word) | mask_detail::high_bits(all)) == 0;
}

#ifdef __x86_64__

// Both vector kernels handle a remainder smaller than a vector without a byte loop. They read the
// last full vector before the main loop reaches it, and write it after the loop.

bool apply_sse2(std::uint8_t* data, std::size_t size, std::uint32_t word) noexcept {
  constexpr std::size_t kStep = sizeof(__m128i);
  if (size <= mask_detail::kMostShort) {
    return mask_detail::apply_short(data, size, word) == 0;
  }
  const __m128i mask = _mm_set1_epi32(static_cast<int>(word));
  const __m128i tail_mask = _mm_set1_epi32(static_cast<int>(advance(word, size)));
  auto* const tail_at = reinterpret_cast<__m128i*>(data + size - kStep);
  const __m128i tail = _mm_xor_si128(_mm_loadu_si128(tail_at), tail_mask);
  __m128i all = tail;
  std::size_t at = 0;
  for (; size - at >= 4 * kStep; at += 4 * kStep) {
    auto* const v = reinterpret_cast<__m128i*>(data + at);
    const __m128i a = _mm_xor_si128(_mm_loadu_si128(v), mask);
    const __m128i b = _mm_xor_si128(_mm_loadu_si128(v + 1), mask);
    const __m128i c = _mm_xor_si128(_mm_loadu_si128(v + 2), mask);
    const __m128i d = _mm_xor_si128(_mm_loadu_si128(v + 3), mask);
    all = _mm_or_si128(all, _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
    _mm_storeu_si128(v, a);
    _mm_storeu_si128(v + 1, b);
    _mm_storeu_si128(v + 2, c);
    _mm_storeu_si128(v + 3, d);
  }
  for (; size - at >= kStep; at += kStep) {
    auto* const v = reinterpret_cast<__m128i*>(data + at);
    const __m128i a = _mm_xor_si128(_mm_loadu_si128(v), mask);
    all = _mm_or_si128(all, a);
    _mm_storeu_si128(v, a);
  }
  _mm_storeu_si128(tail_at, tail);
  return _mm_movemask_epi8(all) == 0;
}

__attribute__((target("avx2"))) bool apply_avx2(std::uint8_t* data, std::size_t size,
                                                std::uint32_t word) noexcept {
  constexpr std::size_t kStep = sizeof(__m256i);
  if (size < kStep) {
    return mask_detail::apply_short(data, size, word) == 0;
  }
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(word));
  const __m256i tail_mask = _mm256_set1_epi32(static_cast<int>(advance(word, size)));
  auto* const tail_at = reinterpret_cast<__m256i*>(data + size - kStep);
  const __m256i tail = _mm256_xor_si256(_mm256_loadu_si256(tail_at), tail_mask);
  __m256i all = tail;
  std::size_t at = 0;
  for (; size - at >= 4 * kStep; at += 4 * kStep) {
    auto* const v = reinterpret_cast<__m256i*>(data + at);
    const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(v), mask);
    const __m256i b = _mm256_xor_si256(_mm256_loadu_si256(v + 1), mask);
    const __m256i c = _mm256_xor_si256(_mm256_loadu_si256(v + 2), mask);
    const __m256i d = _mm256_xor_si256(_mm256_loadu_si256(v + 3), mask);
    all = _mm256_or_si256(all, _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)));
    _mm256_storeu_si256(v, a);
    _mm256_storeu_si256(v + 1, b);
    _mm256_storeu_si256(v + 2, c);
    _mm256_storeu_si256(v + 3, d);
  }
  for (; size - at >= kStep; at += kStep) {
    auto* const v = reinterpret_cast<__m256i*>(data + at);
    const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(v), mask);
    all = _mm256_or_si256(all, a);
    _mm256_storeu_si256(v, a);
  }
  _mm256_storeu_si256(tail_at, tail);
  return _mm256_movemask_epi8(all) == 0;
}

#endif  // __x86_64__

}  // namespace

std::span<const MaskKernel> mask_kernels() noexcept {
  static const std::array kernels = {
#ifdef __x86_64__
      MaskKernel{"avx2", apply_avx2, __builtin_cpu_supports("avx2") != 0},
      MaskKernel{"sse2", apply_sse2, true},
#endif
      MaskKernel{"portable", apply_portable, true},
  };
  return kernels;
}

bool mask_detail::apply_long(std::uint8_t* data, std::size_t size, std::uint32_t word) noexcept {
  // Chosen at the first use instead of in a global's constructor, so that it is right even if
  // another global uses it first.
  static const auto apply = [] {
    const auto kernels = mask_kernels();
    return std::find_if(kernels.begin(), kernels.end(),
                        [](const MaskKernel& k) { return k.supported; })
        ->apply;
  }();
  return apply(data, size, word);
}

}  // namespace wsd::protocol
