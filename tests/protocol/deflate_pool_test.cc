#include <gtest/gtest.h>

#include "protocol/deflate.h"

namespace wsd::protocol {
namespace {

TEST(DeflatePool, HasOneContextOfEachKindAndWindow) {
  DeflatePool pool(6);
  EXPECT_EQ(pool.level(), 6);
  EXPECT_EQ(&pool.inflater(15), &pool.inflater(15));
  EXPECT_NE(&pool.inflater(15), &pool.inflater(9));
  EXPECT_EQ(&pool.deflater(15), &pool.deflater(15));
  EXPECT_NE(&pool.deflater(15), &pool.deflater(9));
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
  static_cast<void>(pool.inflater(15));
  ASSERT_TRUE(pool.deflater(15).message(as_bytes("text"), pool.deflated));
  pool.release();
  EXPECT_EQ(pool.inflated.capacity(), 0U);
  EXPECT_EQ(pool.deflated.capacity(), 0U);
  EXPECT_TRUE(pool.deflater(15).message(as_bytes("text"), pool.deflated)) << "a new context";
}

// zconf.h: an inflater uses its window and about 7 KiB. A deflater uses four windows, 512 bytes for
// each of its 2^8 hash chains, and about 6 KiB.
TEST(DeflatePool, ContextsAreCountedByZlibsFormula) {
  EXPECT_EQ(inflater_bytes(9), 512U + 7 * 1024U);
  EXPECT_EQ(inflater_bytes(15), 32 * 1024U + 7 * 1024U);
  EXPECT_EQ(deflater_bytes(15), 128 * 1024U + 128 * 1024U + 6 * 1024U);
}

}  // namespace
}  // namespace wsd::protocol
