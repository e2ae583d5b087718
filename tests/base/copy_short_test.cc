#include "base/copy_short.h"

#include <gtest/gtest.h>

#include <array>

namespace wsd {
namespace {

TEST(CopyShort, EverySize_IsCopiedExactly) {
  constexpr std::size_t kMost = 160;
  constexpr std::size_t kMargin = 40;
  std::array<std::uint8_t, kMost> from = {};
  for (std::size_t i = 0; i < kMost; ++i) from[i] = static_cast<std::uint8_t>(i * 7 + 1);
  for (std::size_t size = 0; size <= kMost; ++size) {
    std::array<std::uint8_t, kMost + 2 * kMargin> to = {};
    copy_short(to.data() + kMargin, from.data(), size);
    for (std::size_t i = 0; i < to.size(); ++i) {
      const bool inside = i >= kMargin && i < kMargin + size;
      ASSERT_EQ(to[i], inside ? from[i - kMargin] : 0) << "size " << size << ", byte " << i;
    }
  }
}

TEST(CopyShort, NullSource_WithSizeZeroIsAllowed) {
  std::uint8_t byte = 9;
  copy_short(&byte, nullptr, 0);
  EXPECT_EQ(byte, 9);
}

}  // namespace
}  // namespace wsd
