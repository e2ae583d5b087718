#include "base/block_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace wsd {
namespace {

constexpr std::size_t kKib = 1024;
constexpr std::size_t kMib = kKib * kKib;

TEST(BlockCache, WithoutScope_NothingIsCached) {
  BlockCache blocks;
  BlockCache::release(std::malloc(kMib));
  EXPECT_TRUE(blocks.empty());
  EXPECT_EQ(BlockCache::acquire(kMib, kMib), nullptr);
}

TEST(BlockCache, ReleasedBlock_IsAcquiredAgain) {
  BlockCache blocks;
  const BlockCache::Scope scope(blocks);
  void* const block = std::malloc(kMib);
  BlockCache::release(block);
  EXPECT_GE(blocks.bytes(), kMib);
  EXPECT_EQ(BlockCache::acquire(kMib, kMib), block);
  EXPECT_TRUE(blocks.empty());
  EXPECT_EQ(blocks.bytes(), 0U);
  std::free(block);
}

TEST(BlockCache, SmallBlocks_AreNotCached) {
  BlockCache blocks;
  const BlockCache::Scope scope(blocks);
  BlockCache::release(std::malloc(BlockCache::kLeastBytes / 2));
  BlockCache::release(nullptr);
  EXPECT_TRUE(blocks.empty());
  EXPECT_EQ(BlockCache::acquire(16, 16), nullptr);
}

TEST(BlockCache, Acquire_TakesTheBestFit) {
  BlockCache blocks;
  const BlockCache::Scope scope(blocks);
  void* const large = std::malloc(3 * kMib);
  void* const fitting = std::malloc(kMib);
  void* const small = std::malloc(128 * kKib);
  for (void* each : {large, fitting, small}) BlockCache::release(each);
  // 1 MiB was announced. At least 100 KiB of it must be available.
  EXPECT_EQ(BlockCache::acquire(100 * kKib, kMib), fitting);
  EXPECT_EQ(BlockCache::acquire(100 * kKib, kMib), large);
  // No block is large enough for everything: the largest sufficient one is taken.
  EXPECT_EQ(BlockCache::acquire(100 * kKib, kMib), small);
  EXPECT_EQ(BlockCache::acquire(100 * kKib, kMib), nullptr);
  for (void* each : {large, fitting, small}) std::free(each);
}

TEST(BlockCache, BlocksOfOneSize_LastReleasedIsTakenFirst) {
  BlockCache blocks;
  const BlockCache::Scope scope(blocks);
  void* const cold = std::malloc(kMib);
  void* const warm = std::malloc(kMib);
  BlockCache::release(cold);
  BlockCache::release(warm);
  EXPECT_EQ(BlockCache::acquire(100 * kKib, kMib), warm);
  EXPECT_EQ(BlockCache::acquire(100 * kKib, kMib), cold);
  std::free(cold);
  std::free(warm);
}

TEST(BlockCache, LargeBlock_IsNotUsedForASmallRequest) {
  BlockCache blocks;
  const BlockCache::Scope scope(blocks);
  BlockCache::release(std::malloc(8 * kMib));
  EXPECT_EQ(BlockCache::acquire(64 * kKib, kMib), nullptr);
  EXPECT_FALSE(blocks.empty());
}

TEST(BlockCache, BytesAndBlocks_AreBothLimited) {
  BlockCache blocks;
  const BlockCache::Scope scope(blocks);
  for (int i = 0; i < 24; ++i) BlockCache::release(std::malloc(kMib));
  EXPECT_LE(blocks.bytes(), BlockCache::kMostBytes);
  EXPECT_GT(blocks.bytes(), BlockCache::kMostBytes - 2 * kMib);
  blocks.clear();
  EXPECT_TRUE(blocks.empty());
  std::vector<void*> taken;
  for (std::size_t i = 0; i < BlockCache::kMostBlocks + 3; ++i) {
    BlockCache::release(std::malloc(BlockCache::kLeastBytes));
  }
  while (void* block = BlockCache::acquire(BlockCache::kLeastBytes, BlockCache::kLeastBytes)) {
    taken.push_back(block);
  }
  EXPECT_EQ(taken.size(), BlockCache::kMostBlocks);
  for (void* each : taken) std::free(each);
}

TEST(BlockCache, ScopesNest) {
  BlockCache outer;
  BlockCache inner;
  const BlockCache::Scope scope(outer);
  {
    const BlockCache::Scope nested(inner);
    BlockCache::release(std::malloc(kMib));
  }
  EXPECT_FALSE(inner.empty());
  EXPECT_EQ(BlockCache::acquire(kMib, kMib), nullptr);
}

}  // namespace
}  // namespace wsd
