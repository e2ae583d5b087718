#include "base/crc32c.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace wsd {
namespace {

// The polynomial 0x1EDC6F41 with its bits reversed, as each byte is taken from its lowest bit on.
constexpr std::uint32_t kPolynomial = 0x82F63B78;
constexpr std::size_t kStride = 8;

// kTables[k][b] is the remainder of the byte b, followed by k zero bytes. Eight of them take eight
// bytes at once ("slicing by 8", M. Kounavis and F. Berry, 2005).
constexpr std::array<std::array<std::uint32_t, 256>, kStride> make_tables() {
  std::array<std::array<std::uint32_t, 256>, kStride> tables = {};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ ((rest & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = rest;
  }
  for (std::size_t k = 1; k < kStride; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = before >> 8 ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}
constexpr auto kTables = make_tables();

std::uint32_t update_portable(std::uint32_t crc, const std::uint8_t* data,
                              std::size_t size) noexcept {
  crc = ~crc;
  if constexpr (std::endian::native == std::endian::little) {
    for (; size >= kStride; size -= kStride, data += kStride) {
      std::uint64_t word = 0;
      std::memcpy(&word, data, sizeof word);
      word ^= crc;
      crc = 0;
      for (std::size_t i = 0; i < kStride; ++i) {
        crc ^= kTables[kStride - 1 - i][word >> (8 * i) & 0xFF];
      }
    }
  }
  for (; size != 0; --size, ++data) crc = crc >> 8 ^ kTables[0][(crc ^ *data) & 0xFF];
  return ~crc;
}

#ifdef __x86_64__

__attribute__((target("sse4.2"))) std::uint32_t update_sse42(std::uint32_t crc,
                                                             const std::uint8_t* data,
                                                             std::size_t size) noexcept {
  std::uint64_t state = ~crc;
  for (; size >= sizeof(std::uint64_t); size -= 8, data += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data, sizeof word);
    state = _mm_crc32_u64(state, word);
  }
  auto rest = static_cast<std::uint32_t>(state);
  for (; size != 0; --size, ++data) rest = _mm_crc32_u8(rest, *data);
  return ~rest;
}

#endif  // __x86_64__

}  // namespace

std::span<const Crc32cKernel> crc32c_kernels() noexcept {
  static const std::array kernels = {
#ifdef __x86_64__
      Crc32cKernel{"sse4.2", update_sse42, __builtin_cpu_supports("sse4.2") != 0},
#endif
      Crc32cKernel{"portable", update_portable, true},
  };
  return kernels;
}

std::uint32_t crc32c(Bytes bytes, std::uint32_t crc) noexcept {
  // Chosen at the first use instead of in a global's constructor, so that it is right even if
  // another global uses it first.
  static const auto update = [] {
    const auto all = crc32c_kernels();
    return std::find_if(all.begin(), all.end(), [](const Crc32cKernel& k) { return k.supported; })
        ->update;
  }();
  return update(crc, bytes.data(), bytes.size());
}

}  // namespace wsd
