#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "protocol/deflate.h"

namespace wsd::protocol {
namespace {

TEST(DeflatePool, HasOneContextOfEachKindAndWindow) {
  DeflatePool pool(6);
  EXPECT_EQ(pool.level(), 6);
  std::unique_ptr<Inflater> wide = pool.borrow_inflater(15);
  const Inflater* const lent = wide.get();
  const std::unique_ptr<Inflater> narrow = pool.borrow_inflater(9);
  EXPECT_NE(narrow.get(), lent);
  pool.give_back(15, std::move(wide));
  EXPECT_EQ(pool.borrow_inflater(15).get(), lent);
  EXPECT_EQ(&pool.deflater(15), &pool.deflater(15));
  EXPECT_NE(&pool.deflater(15), &pool.deflater(9));
}

// A message that takes several turns keeps its decompressor.
TEST(DeflatePool, SecondBorrower_GetsAnotherInflater) {
  DeflatePool pool(6);
  std::unique_ptr<Inflater> first = pool.borrow_inflater(15);
  std::unique_ptr<Inflater> second = pool.borrow_inflater(15);
  const Inflater* const kept = second.get();
  EXPECT_NE(first, second);
  pool.give_back(15, std::move(second));
  pool.give_back(15, std::move(first));  // the pool keeps one
  EXPECT_EQ(pool.borrow_inflater(15).get(), kept);
}

TEST(DeflatePool, UsedUpDeflating_IsCountedAndEndsWithTheTurn) {
  for (const int level : {1, 6, 9}) {
    DeflatePool pool(level);
    std::size_t bytes = 1;
    while (deflate_work(bytes + 1, level) <= kDeflateShare) ++bytes;
    EXPECT_FALSE(pool.take_deflating(bytes + 1)) << "no turn has so much";
    EXPECT_TRUE(pool.take_deflating(bytes));
    EXPECT_FALSE(pool.take_deflating(bytes));
    EXPECT_EQ(pool.not_deflated(), 2U);
    pool.end_turn(true);
    EXPECT_TRUE(pool.take_deflating(bytes));
    EXPECT_EQ(pool.not_deflated(), 2U);
  }
}

TEST(DeflatePool, Inflating_IsDividedAmongConnections) {
  DeflatePool pool(1);
  const auto steps = [&pool](std::size_t connections) {
    pool.end_turn(true);
    pool.divide_inflating(connections);
    std::size_t count = 0;
    for (; !pool.inflating.turn_used_up(); ++count) {
      pool.begin_inflating();
      while (!pool.inflating.step_used_up()) pool.inflating.spend(1024);
    }
    return count;
  };
  EXPECT_EQ(steps(0), 1U);
  EXPECT_EQ(steps(1), 1U);
  EXPECT_EQ(steps(4), 4U);
  EXPECT_EQ(steps(8), 8U);
  EXPECT_EQ(steps(10'000), 8U);
}

TEST(DeflatePool, EndOfTurn_FreesOnlyALargeBuffer) {
  constexpr std::size_t kOrdinary = 4096;
  constexpr std::size_t kLarge = std::size_t{1} << 20;
  DeflatePool pool(6);
  ASSERT_TRUE(pool.inflated.reserve(kOrdinary));
  ASSERT_TRUE(pool.deflated.reserve(kLarge));
  pool.end_turn(false);
  EXPECT_GE(pool.inflated.capacity(), kOrdinary);
  EXPECT_EQ(pool.deflated.capacity(), 0U);
}

TEST(DeflatePool, Release_FreesContextsAndBuffers) {
  DeflatePool pool(6);
  ASSERT_TRUE(pool.inflated.reserve(4096));
  ASSERT_TRUE(pool.deflated.reserve(4096));
  pool.give_back(15, pool.borrow_inflater(15));
  ASSERT_TRUE(pool.deflater(15).message(as_bytes("text"), pool.deflated));
  pool.release();
  EXPECT_EQ(pool.inflated.capacity(), 0U);
  EXPECT_EQ(pool.deflated.capacity(), 0U);
  EXPECT_TRUE(pool.deflater(15).message(as_bytes("text"), pool.deflated)) << "a new context";
}

// zconf.h: an inflater uses its window and about 7 KiB. A deflater uses four windows, 512 bytes for
// each unit of 2^memLevel, and about 6 KiB.
TEST(DeflatePool, ContextsAreCountedByZlibsFormula) {
  EXPECT_EQ(inflater_bytes(9), 512U + 7 * 1024U);
  EXPECT_EQ(inflater_bytes(15), 32 * 1024U + 7 * 1024U);
  EXPECT_EQ(deflater_bytes(15), 128 * 1024U + 128 * 1024U + 6 * 1024U);
  EXPECT_EQ(deflater_bytes(9), 2 * 1024U + 8 * 1024U + 6 * 1024U);
}

}  // namespace
}  // namespace wsd::protocol
