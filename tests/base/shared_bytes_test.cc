#include "base/shared_bytes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/block_cache.h"
#include "base/sanitizers.h"

namespace wsd {
namespace {

SharedBytes shared(std::string_view text) { return SharedBytes::copy_of(as_bytes(text)); }

TEST(SharedBytes, DefaultConstructed_IsEmpty) {
  const SharedBytes none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.size(), 0U);
  EXPECT_TRUE(none.bytes().empty());
  const SharedBytes copy = none;  // NOLINT: tests the copy of an empty object
  EXPECT_FALSE(copy);
}

TEST(SharedBytes, ZeroSizedBlock_IsNotEmpty) {
  const SharedBytes block = SharedBytes::make(0);
  EXPECT_TRUE(block);
  EXPECT_EQ(block.size(), 0U);
  EXPECT_TRUE(SharedBytes::copy_of({}));
}

TEST(SharedBytes, Creator_FillsTheBlock) {
  for (const std::size_t size : {1U, 7U, 64U, 65536U}) {
    SharedBytes block = SharedBytes::make(size);
    ASSERT_EQ(block.mutable_bytes().size(), size);
    for (std::size_t i = 0; i < size; ++i) block.mutable_bytes()[i] = static_cast<std::uint8_t>(i);
    ASSERT_EQ(block.bytes().size(), size);
    for (std::size_t i = 0; i < size; ++i)
      ASSERT_EQ(block.bytes()[i], static_cast<std::uint8_t>(i));
  }
}

TEST(SharedBytes, MemoryBytes_IncludeHeadersAndRounding) {
  EXPECT_EQ(SharedBytes().memory_bytes(), 0U);
  for (const std::size_t size : {0U, 1U, 100U, 10'000U, 1'000'000U}) {
    const std::size_t memory = SharedBytes::make(size).memory_bytes();
    EXPECT_GE(memory, size + 24);  // the block's two fields, and the allocator's
    EXPECT_LE(memory, size + 48 + size / 64);
  }
}

TEST(SharedBytes, MemoryBytes_AreThoseOfALargerBlockFromTheCache) {
  BlockCache blocks;
  const BlockCache::Scope scope(blocks);
  const std::size_t large = SharedBytes::make(400'000).memory_bytes();
  EXPECT_EQ(SharedBytes::make(200'000).memory_bytes(), large);
}

TEST(SharedBytes, CopiesShareTheBytes) {
  const SharedBytes first = shared("frame");
  const SharedBytes second = first;  // NOLINT: counted on purpose
  EXPECT_EQ(second.bytes().data(), first.bytes().data());
  EXPECT_EQ(as_text(second.bytes()), "frame");
}

TEST(SharedBytes, ACopyOutlivesTheFirst) {
  SharedBytes kept;
  {
    const SharedBytes first = shared("frame");
    kept = first;
  }
  EXPECT_EQ(as_text(kept.bytes()), "frame");
}

TEST(SharedBytes, MovingLeavesNothingBehind) {
  SharedBytes first = shared("frame");
  const std::uint8_t* data = first.bytes().data();
  SharedBytes second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT: tests the state after a move
  EXPECT_EQ(second.bytes().data(), data);
  SharedBytes third = shared("other");
  third = std::move(second);
  EXPECT_FALSE(second);  // NOLINT
  EXPECT_EQ(as_text(third.bytes()), "frame");
}

TEST(SharedBytes, AssigningToItselfKeepsTheBytes) {
  SharedBytes block = shared("frame");
  const SharedBytes& alias = block;
  block = alias;
  EXPECT_EQ(as_text(block.bytes()), "frame");
  SharedBytes& same = block;
  block = std::move(same);
  EXPECT_EQ(as_text(block.bytes()), "frame");
}

TEST(SharedBytes, ManyReferencesInAnyOrder) {
  std::vector<SharedBytes> references(1000, shared("frame"));
  for (std::size_t i = 0; i < references.size(); i += 2) references[i] = SharedBytes();
  for (std::size_t i = 1; i < references.size(); i += 2) {
    ASSERT_EQ(as_text(references[i].bytes()), "frame");
  }
}

#ifdef WSD_DEBUG
TEST(SharedBytesDeathTest, WritingToSharedBytesStopsTheProcess) {
  SharedBytes first = shared("frame");
  const SharedBytes second = first;  // NOLINT: counted on purpose
  EXPECT_DEATH(static_cast<void>(first.mutable_bytes()), "assertion failed");
}
#endif

TEST(SharedBytes, LastReference_MayWrite) {
  SharedBytes first = shared("frame");
  { const SharedBytes second = first; }  // NOLINT: counted on purpose
  first.mutable_bytes()[0] = 'F';
  EXPECT_EQ(as_text(first.bytes()), "Frame");
}

TEST(SharedBytes, BlockInSeveralQueues_CountsOnce) {
  const SharedBytes block = shared("frame");
  const SharedBytes other = block;  // NOLINT: counted on purpose
  EXPECT_GT(block.memory(), 5U);
  EXPECT_EQ(block.enter_queue(), block.memory());
  EXPECT_EQ(other.enter_queue(), 0U);
  EXPECT_EQ(block.leave_queue(), 0U);
  EXPECT_EQ(other.leave_queue(), block.memory());
  EXPECT_EQ(other.enter_queue(), block.memory()) << "again";
  EXPECT_EQ(SharedBytes().enter_queue(), 0U);
}

TEST(SharedBytes, Memory_IsThatOfTheAllocator) {
  for (const std::size_t size : {1U, 24U, 1000U, 65'536U, 1'000'000U}) {
    const SharedBytes block = SharedBytes::make(size);
    EXPECT_GE(block.memory(), size + 16) << size;
    EXPECT_LE(block.memory(), size + 32 + size / 100 + (size >= 65'536 ? 4096 : 0)) << size;
  }
}

TEST(SharedBytes, OutOfMemory_GivesEmptyBlock) {
  if (kSanitized) GTEST_SKIP() << "its allocator ends the process where malloc would return null";
  const SharedBytes block = SharedBytes::make(std::size_t{1} << 62);
  EXPECT_FALSE(block);
  EXPECT_EQ(block.size(), 0U);
}

TEST(SharedBytes, ThreadsCopyAndDropTheSameBlock) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 5000;
  SharedBytes block = shared("frame");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&wrong, mine = block] {
      for (int round = 0; round < kRounds; ++round) {
        const SharedBytes copy = mine;  // NOLINT: counted on purpose
        SharedBytes moved = copy;
        if (as_text(std::as_const(moved).bytes()) != "frame") ++wrong;
      }
    });
  }
  block = SharedBytes();
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(wrong, 0);
}

// The thread that drops the last reference frees a block that another thread wrote and others have
// read.
TEST(SharedBytes, LastReference_MayBeDroppedOnAnyThread) {
  for (int round = 0; round < 200; ++round) {
    SharedBytes block = SharedBytes::make(64);
    for (std::uint8_t& byte : block.mutable_bytes()) byte = static_cast<std::uint8_t>(round);
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&wrong, round, mine = block]() mutable {
        for (const std::uint8_t byte : mine.bytes()) {
          if (byte != static_cast<std::uint8_t>(round)) ++wrong;
        }
        mine = SharedBytes();
      });
    }
    block = SharedBytes();
    for (std::thread& each : threads) each.join();
    ASSERT_EQ(wrong, 0);
  }
}

TEST(Slice, CoversTheBlockOrAPart) {
  const SharedBytes block = shared("one two three");
  EXPECT_EQ(as_text(Slice(block).bytes()), "one two three");
  EXPECT_EQ(as_text(Slice(block, 4, 3).bytes()), "two");
  EXPECT_EQ(as_text(Slice(block, 13, 0).bytes()), "");
  EXPECT_TRUE(Slice().bytes().empty());
}

TEST(Slice, KeepsItsBlockAlive) {
  Slice slice;
  {
    const SharedBytes block = shared("one two three");
    slice = Slice(block, 8, 5);
  }
  EXPECT_EQ(as_text(slice.bytes()), "three");
}

}  // namespace
}  // namespace wsd
