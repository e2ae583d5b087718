#include "protocol/work_share.h"

#include <gtest/gtest.h>

namespace wsd::protocol {
namespace {

TEST(WorkShare, UsedUpShare_StopsUntilTheNextTurn) {
  WorkShare share(100);
  EXPECT_FALSE(share.step_used_up());
  share.spend(99);
  EXPECT_FALSE(share.step_used_up());
  share.spend(1);
  EXPECT_TRUE(share.step_used_up());
  EXPECT_TRUE(share.turn_used_up());
  EXPECT_EQ(share.spent(), 100U);
  share.begin_turn();
  EXPECT_FALSE(share.step_used_up());
  EXPECT_EQ(share.spent(), 0U);
}

TEST(WorkShare, UsedUpStep_LeavesTheRestToTheNextStep) {
  WorkShare share(100);
  share.begin_step(40);
  share.spend(50);  // the last piece of work was larger than what was left
  EXPECT_TRUE(share.step_used_up());
  EXPECT_FALSE(share.turn_used_up());
  share.begin_step(40);
  EXPECT_FALSE(share.step_used_up());
  share.spend(40);
  EXPECT_FALSE(share.turn_used_up());
  share.begin_step(40);  // it gets the last 10
  EXPECT_FALSE(share.step_used_up());
  share.spend(10);
  EXPECT_TRUE(share.turn_used_up());
  share.begin_step(40);
  EXPECT_TRUE(share.step_used_up());
  EXPECT_EQ(share.spent(), 100U);
}

TEST(WorkShare, WorkBeyondTheRest_IsNotAfforded) {
  WorkShare share(100);
  EXPECT_TRUE(share.affords(100));
  EXPECT_FALSE(share.affords(101));
  share.spend(60);
  EXPECT_TRUE(share.affords(40));
  EXPECT_FALSE(share.affords(41));
}

}  // namespace
}  // namespace wsd::protocol
