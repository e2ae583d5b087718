#include "base/kept_blocks.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace wsd {
namespace {

constexpr std::size_t kKib = 1024;
constexpr std::size_t kMib = kKib * kKib;

TEST(KeptBlocks, WithoutAScopeNothingIsKept) {
  KeptBlocks blocks;
  KeptBlocks::give(std::malloc(kMib));
  EXPECT_TRUE(blocks.empty());
  EXPECT_EQ(KeptBlocks::take(kMib, kMib), nullptr);
}

TEST(KeptBlocks, WhatWasGivenIsTakenAgain) {
  KeptBlocks blocks;
  const KeptBlocks::Scope scope(blocks);
  void* const block = std::malloc(kMib);
  KeptBlocks::give(block);
  EXPECT_GE(blocks.bytes(), kMib);
  EXPECT_EQ(KeptBlocks::take(kMib, kMib), block);
  EXPECT_TRUE(blocks.empty());
  EXPECT_EQ(blocks.bytes(), 0U);
  std::free(block);
}

TEST(KeptBlocks, SmallOnesAreMallocs) {
  KeptBlocks blocks;
  const KeptBlocks::Scope scope(blocks);
  KeptBlocks::give(std::malloc(KeptBlocks::kLeastBytes / 2));
  KeptBlocks::give(nullptr);
  EXPECT_TRUE(blocks.empty());
  EXPECT_EQ(KeptBlocks::take(16, 16), nullptr);
}

TEST(KeptBlocks, TheBestFitIsTaken) {
  KeptBlocks blocks;
  const KeptBlocks::Scope scope(blocks);
  void* const large = std::malloc(3 * kMib);
  void* const fitting = std::malloc(kMib);
  void* const small = std::malloc(128 * kKib);
  for (void* each : {large, fitting, small}) KeptBlocks::give(each);
  // 1 MiB was announced, of which 100 KiB have to be there.
  EXPECT_EQ(KeptBlocks::take(100 * kKib, kMib), fitting);
  EXPECT_EQ(KeptBlocks::take(100 * kKib, kMib), large);
  // Nothing has all: the largest that has enough.
  EXPECT_EQ(KeptBlocks::take(100 * kKib, kMib), small);
  EXPECT_EQ(KeptBlocks::take(100 * kKib, kMib), nullptr);
  for (void* each : {large, fitting, small}) std::free(each);
}

TEST(KeptBlocks, ALargeOneIsNotWastedOnWhoWantsLittle) {
  KeptBlocks blocks;
  const KeptBlocks::Scope scope(blocks);
  KeptBlocks::give(std::malloc(8 * kMib));
  EXPECT_EQ(KeptBlocks::take(64 * kKib, kMib), nullptr);
  EXPECT_FALSE(blocks.empty());
}

TEST(KeptBlocks, ThereAreTwoBounds) {
  KeptBlocks blocks;
  const KeptBlocks::Scope scope(blocks);
  for (int i = 0; i < 24; ++i) KeptBlocks::give(std::malloc(kMib));
  EXPECT_LE(blocks.bytes(), KeptBlocks::kMostBytes);
  EXPECT_GT(blocks.bytes(), KeptBlocks::kMostBytes - 2 * kMib);
  blocks.release();
  EXPECT_TRUE(blocks.empty());
  std::vector<void*> taken;
  for (std::size_t i = 0; i < KeptBlocks::kMostBlocks + 3; ++i) {
    KeptBlocks::give(std::malloc(KeptBlocks::kLeastBytes));
  }
  while (void* block = KeptBlocks::take(KeptBlocks::kLeastBytes, KeptBlocks::kLeastBytes)) {
    taken.push_back(block);
  }
  EXPECT_EQ(taken.size(), KeptBlocks::kMostBlocks);
  for (void* each : taken) std::free(each);
}

TEST(KeptBlocks, ScopesNest) {
  KeptBlocks outer;
  KeptBlocks inner;
  const KeptBlocks::Scope scope(outer);
  {
    const KeptBlocks::Scope nested(inner);
    KeptBlocks::give(std::malloc(kMib));
  }
  EXPECT_FALSE(inner.empty());
  EXPECT_EQ(KeptBlocks::take(kMib, kMib), nullptr);
}

}  // namespace
}  // namespace wsd
