#include "base/allocation.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>

#include "base/sanitizers.h"

namespace wsd {
namespace {

TEST(AllocationBytes, AreThoseOfTheAllocator) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's allocator has its own rule";
  for (const std::size_t size : {0U, 1U, 24U, 25U, 40U, 41U, 100U, 1000U, 10'000U, 100'000U}) {
    void* const block = std::malloc(size);
    const std::size_t real = ::malloc_usable_size(block) + kAllocationHeader;
    // A block that was used before may have one unit more, if the rest is too small for another.
    EXPECT_LE(allocation_bytes(size), real) << size;
    EXPECT_GE(allocation_bytes(size) + 16, real) << size;
    std::free(block);
  }
}

}  // namespace
}  // namespace wsd
