#include "protocol/mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <random>
#include <vector>

#include "protocol/mask_kernels.h"

namespace wsd::protocol {
namespace {

// The reference: the RFC's formula, byte by byte (§5.3).
void apply_by_bytes(MutableBytes bytes, MaskingKey key, std::uint64_t offset) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ key[(offset + i) % 4]);
  }
}

constexpr MaskingKey kKey = {0x37, 0xfa, 0x21, 0x3d};
constexpr std::size_t kGuard = 64;  // bytes on both sides that must stay unchanged

std::vector<std::uint8_t> some_bytes(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::mt19937 random(static_cast<std::uint32_t>(size));
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::uint8_t>(random()); });
  return bytes;
}

template <class Apply>
void judge(const char* name, Apply apply) {
  constexpr std::size_t kMostBytes = 300;
  constexpr std::size_t kMostAlign = 32;
  const std::vector<std::uint8_t> original = some_bytes(kMostBytes + kMostAlign + 2 * kGuard);
  std::vector<std::uint8_t> expected;
  std::vector<std::uint8_t> actual;
  for (std::size_t size = 0; size <= kMostBytes; ++size) {
    for (std::size_t align = 0; align < kMostAlign; ++align) {
      for (std::uint64_t offset = 0; offset < 8; ++offset) {
        expected = original;
        actual = original;
        apply_by_bytes(MutableBytes(expected).subspan(kGuard + align, size), kKey, offset);
        apply(MutableBytes(actual).subspan(kGuard + align, size), kKey, offset);
        ASSERT_EQ(actual, expected)
            << name << " size " << size << " align " << align << " offset " << offset;
      }
    }
  }
}

TEST(Mask, Rfc6455Section5_7Example) {
  std::vector<std::uint8_t> bytes = {0x7f, 0x9f, 0x4d, 0x51, 0x58};
  apply_mask(bytes, kKey);
  EXPECT_EQ(as_text(bytes), "Hello");
}

TEST(Mask, EveryKernelEqualsTheByteLoop) {
  for (const MaskKernel& kernel : mask_kernels()) {
    if (!kernel.supported) {
      continue;
    }
    judge(kernel.name.data(), [&](MutableBytes bytes, MaskingKey key, std::uint64_t offset) {
      kernel.apply(bytes.data(), bytes.size(),
                   mask_detail::advance(std::bit_cast<std::uint32_t>(key), offset));
    });
  }
}

TEST(Mask, ApplyMaskEqualsTheByteLoop) {
  judge("apply_mask", [](MutableBytes bytes, MaskingKey key, std::uint64_t offset) {
    apply_mask(bytes, key, offset);
  });
}

TEST(Mask, EveryKernelTellsWhetherAllResultsAreAscii) {
  const auto word = std::bit_cast<std::uint32_t>(kKey);
  for (const MaskKernel& kernel : mask_kernels()) {
    for (std::size_t size = 0; kernel.supported && size <= 300; ++size) {
      std::vector<std::uint8_t> ascii(size, 'a');
      apply_by_bytes(ascii, kKey, 0);
      std::vector<std::uint8_t> masked = ascii;
      ASSERT_TRUE(kernel.apply(masked.data(), size, word)) << kernel.name << " size " << size;
      for (std::size_t at = 0; at < size; ++at) {
        masked = ascii;
        masked[at] ^= 0x80;
        ASSERT_FALSE(kernel.apply(masked.data(), size, word))
            << kernel.name << " size " << size << " at " << at;
      }
    }
  }
}

// For the sanitizers: no kernel may even read past the ends.
TEST(Mask, EveryKernelStaysInsideAnExactAllocation) {
  for (const MaskKernel& kernel : mask_kernels()) {
    for (std::size_t size = 0; kernel.supported && size <= 300; ++size) {
      std::vector<std::uint8_t> actual = some_bytes(size);
      actual.shrink_to_fit();
      std::vector<std::uint8_t> expected = actual;
      apply_by_bytes(expected, kKey, 0);
      kernel.apply(actual.data(), size, std::bit_cast<std::uint32_t>(kKey));
      ASSERT_EQ(actual, expected) << kernel.name << " size " << size;
    }
  }
}

TEST(Mask, ThereIsAlwaysASupportedKernel) {
  const auto kernels = mask_kernels();
  ASSERT_FALSE(kernels.empty());
  EXPECT_TRUE(kernels.back().supported);
}

TEST(Mask, LargePayloadInAnyCutEqualsOneSweep) {
  const std::vector<std::uint8_t> original = some_bytes(20000);
  std::vector<std::uint8_t> expected = original;
  apply_by_bytes(expected, kKey, 3);
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint8_t> actual = original;
    std::size_t at = 0;
    while (at < actual.size()) {
      const std::size_t size = std::min<std::size_t>(random() % 700, actual.size() - at);
      apply_mask(MutableBytes(actual).subspan(at, size), kKey, 3 + at);
      at += size;
    }
    ASSERT_EQ(actual, expected);
  }
}

TEST(Mask, OffsetsBeyond32BitsCountModuloFour) {
  std::vector<std::uint8_t> far = some_bytes(50);
  std::vector<std::uint8_t> near = far;
  apply_mask(far, kKey, (std::uint64_t{1} << 40) + 3);
  apply_mask(near, kKey, 3);
  EXPECT_EQ(far, near);
}

TEST(Mask, NullPayload_OfSizeZeroIsAllowed) { apply_mask(MutableBytes(), kKey, 1); }

}  // namespace
}  // namespace wsd::protocol
