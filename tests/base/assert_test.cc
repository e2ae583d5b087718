#include "base/assert.h"

#include <gtest/gtest.h>

namespace wsd {
namespace {

TEST(Assert, FalseExpression_AbortsAndIsPrinted) {
  const int one = 1;
  EXPECT_DEATH(WSD_ASSERT(one == 2), "wsd: assertion failed: one == 2 at .*assert_test\\.cc:");
}

TEST(Assert, TrueExpression_IsEvaluatedOnce) {
  int times = 0;
  WSD_ASSERT(++times > 0);
  EXPECT_EQ(times, 1);
}

}  // namespace
}  // namespace wsd
