#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <vector>

namespace wsd {
namespace {

// RFC 3720 gives the checksums as bytes in the order in which they are sent.
struct Vector {
  std::vector<std::uint8_t> bytes;
  std::uint32_t crc;
};

std::vector<Vector> rfc_vectors() {
  std::vector<std::uint8_t> up(32);
  std::vector<std::uint8_t> down(32);
  for (std::size_t i = 0; i < 32; ++i) {
    up[i] = static_cast<std::uint8_t>(i);
    down[i] = static_cast<std::uint8_t>(31 - i);
  }
  const std::vector<std::uint8_t> read_command = {
      0x01, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
      0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
  return {{std::vector<std::uint8_t>(32, 0), 0x8A9136AA},
          {std::vector<std::uint8_t>(32, 0xFF), 0x62A8AB43},
          {up, 0x46DD794E},
          {down, 0x113FDB5C},
          {read_command, 0xD9963A56}};
}

TEST(Crc32c, Rfc3720_B_4_VectorsMatchInEachKernel) {
  for (const Crc32cKernel& kernel : crc32c_kernels()) {
    if (!kernel.supported) continue;
    for (const Vector& vector : rfc_vectors()) {
      EXPECT_EQ(kernel.update(0, vector.bytes.data(), vector.bytes.size()), vector.crc)
          << kernel.name;
    }
  }
  for (const Vector& vector : rfc_vectors()) EXPECT_EQ(crc32c(vector.bytes), vector.crc);
}

TEST(Crc32c, NoBytes_LeaveTheChecksumAsItIs) {
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc32c({}, 0x12345678), 0x12345678U);
}

TEST(Crc32c, EachSizeAndAlignment_IsEqualInAllKernels) {
  std::mt19937 random(1);
  std::vector<std::uint8_t> bytes(300);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t size = 0; size + from <= 64; ++size) {
      const Bytes part = Bytes(bytes).subspan(from, size);
      for (const Crc32cKernel& kernel : crc32c_kernels()) {
        if (!kernel.supported) continue;
        EXPECT_EQ(kernel.update(7, part.data(), part.size()), crc32c(part, 7)) << kernel.name;
      }
    }
  }
}

TEST(Crc32c, Parts_GiveTheChecksumOfTheWhole) {
  std::vector<std::uint8_t> bytes(100);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37);
  for (const Crc32cKernel& kernel : crc32c_kernels()) {
    if (!kernel.supported) continue;
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      const std::uint32_t first = kernel.update(0, bytes.data(), cut);
      EXPECT_EQ(kernel.update(first, bytes.data() + cut, bytes.size() - cut), crc32c(bytes));
    }
  }
}

}  // namespace
}  // namespace wsd
