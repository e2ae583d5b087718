#include "base/sanitizers.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

namespace wsd {
namespace {

// tests/run reports whether the build has a sanitizer. If the code did not detect it, pools would
// not poison their memory.
TEST(Sanitizers, Sanitizer_IsDetected) {
  if (std::getenv("WSD_TEST_SANITIZED") != nullptr) {
    EXPECT_TRUE(kSanitized);
  }
}

#ifdef WSD_ASAN
TEST(Sanitizers, PoisonedMemory_IsDetectedUntilUnpoisoned) {
  alignas(8) std::array<char, 64> block{};
  poison(block.data(), block.size());
  EXPECT_NE(__asan_address_is_poisoned(&block[63]), 0);
  unpoison(block.data(), block.size());
  EXPECT_EQ(__asan_address_is_poisoned(&block[63]), 0);
}
#endif

}  // namespace
}  // namespace wsd
