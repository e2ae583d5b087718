#include "base/little_endian.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace wsd {
namespace {

TEST(LittleEndian, Store_PutsTheLowestByteFirst) {
  std::array<std::uint8_t, 10> bytes{};
  store_little_endian(bytes.data() + 1, std::uint64_t{0x0807060504030201});
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 10>{0, 1, 2, 3, 4, 5, 6, 7, 8, 0}));
  store_little_endian(bytes.data() + 1, std::uint16_t{0xBBAA});
  EXPECT_EQ(bytes[1], 0xAA);
  EXPECT_EQ(bytes[2], 0xBB);
  EXPECT_EQ(bytes[3], 3);
}

TEST(LittleEndian, Load_ReadsWhatStoreHasWritten) {
  std::array<std::uint8_t, 9> bytes{};
  store_little_endian(bytes.data() + 1, std::uint32_t{0xDEADBEEF});
  EXPECT_EQ(load_little_endian<std::uint32_t>(bytes.data() + 1), 0xDEADBEEF);
  EXPECT_EQ(load_little_endian<std::uint16_t>(bytes.data() + 1), 0xBEEF);
}

}  // namespace
}  // namespace wsd
