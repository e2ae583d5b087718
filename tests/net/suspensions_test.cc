#include "net/suspensions.h"

#include <gtest/gtest.h>

namespace wsd::net {
namespace {

constexpr Tick kSecond = ticks_for_ms(1000);

TEST(Suspensions, AreRecentForOneSecond) {
  Suspensions suspensions;
  EXPECT_EQ(suspensions.recent(0), 0U);
  suspensions.note(500, 7);
  EXPECT_EQ(suspensions.recent(7), 500U);
  EXPECT_EQ(suspensions.recent(7 + kSecond), 500U);
  EXPECT_EQ(suspensions.recent(8 + kSecond), 0U);
  EXPECT_EQ(suspensions.total(), 500U);
}

TEST(Suspensions, WithinOneSecond_CountTogether) {
  Suspensions suspensions;
  suspensions.note(500, 7);
  suspensions.note(500, 8);  // a turn without a suspension
  suspensions.note(510, 7 + kSecond);
  EXPECT_EQ(suspensions.recent(7 + 2 * kSecond), 510U);
  suspensions.note(530, 10 * kSecond);
  EXPECT_EQ(suspensions.recent(10 * kSecond), 20U);
  EXPECT_EQ(suspensions.total(), 530U);
}

}  // namespace
}  // namespace wsd::net
