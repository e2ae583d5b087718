#include "hub/fan_out_gate.h"

#include <gtest/gtest.h>

namespace wsd::hub {
namespace {

TEST(FanOutGate, NoBatch_IsDoneForEveryone) {
  FanOutGate gate;
  EXPECT_TRUE(gate.is_done(3));
  gate.add();
  EXPECT_EQ(gate.done(1), 0U) << "nobody waits";
}

TEST(FanOutGate, BatchOfAnyHome_MakesAHomeWaitUntilItIsDone) {
  FanOutGate gate;
  gate.add();
  EXPECT_FALSE(gate.is_done(3));
  EXPECT_FALSE(gate.is_done(63));
  EXPECT_EQ(gate.done(1), std::uint64_t{1} << 3 | std::uint64_t{1} << 63);
  EXPECT_TRUE(gate.is_done(3));
}

TEST(FanOutGate, LaterBatch_DoesNotKeepAWaiterFromBeingWoken) {
  FanOutGate gate;
  gate.add();
  EXPECT_FALSE(gate.is_done(1));
  gate.add();
  EXPECT_EQ(gate.done(1), std::uint64_t{1} << 1);
  EXPECT_FALSE(gate.is_done(1));
}

}  // namespace
}  // namespace wsd::hub
