// Positions of rooms that end and come back, and of messages that are removed.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "hub/former_rooms.h"
#include "hub/owned_rooms_rig.h"

namespace wsd::hub::test {
namespace {

TEST(OwnedRooms, RecreatedRoom_ContinuesItsNumbering) {
  Rig rig({.first_epoch = 7});
  rig.join("a");
  rig.publish("a", 1, 2);
  rig.fan_out();
  rig.rooms.leave("a", kShard, kIdentity);
  rig.expect_rooms(0);
  EXPECT_EQ(rig.rooms.state("a").last, (Position{7, 2})) << "also while the room does not exist";
  rig.join("b");
  EXPECT_EQ(rig.rooms.state("b").last, (Position{8, 0}));
  EXPECT_EQ(rig.replay("a", Since::after({7, 2}), kMarked), Texts{}) << "nothing is missing";
  EXPECT_EQ(rig.replay("a", Since::after({7, 1}), kMarked), Texts{"gap 2"});
  rig.join("a");
  rig.publish("a", 3, 3);
  EXPECT_EQ(rig.rooms.state("a").last, (Position{7, 3}));
}

TEST(OwnedRooms, ForgottenRoom_HasANewEpoch) {
  Rig rig({.first_epoch = 7});
  rig.join("a");
  rig.rooms.leave("a", kShard, kIdentity);
  for (std::size_t i = 0; i < 64 * FormerRooms::kSlots; ++i) {
    rig.join(std::to_string(i));
    rig.rooms.leave(std::to_string(i), kShard, kIdentity);
  }
  EXPECT_EQ(rig.rooms.state("a").last, Position());
  EXPECT_EQ(rig.replay("a", Since::after({7, 0}), kMarked), Texts{"gap 0"});
}

TEST(OwnedRooms, DiscardedMessage_IsAGapForTheNextJoiner) {
  Rig rig({.first_epoch = 7});
  EXPECT_EQ(rig.replay("a", Since{}, kMarked), Texts{"at 7:0"});
  EXPECT_EQ(rig.rooms.publish("a", frame("lost"), 0), nullptr);
  EXPECT_EQ(rig.replay("a", Since::after({7, 0}), kMarked), Texts{"gap 1"});
  // The same while the room exists only until its fan-out.
  rig.join("a");
  rig.publish("a", 2, 2);
  rig.rooms.leave("a", kShard, kIdentity);
  EXPECT_EQ(rig.rooms.publish("a", frame("lost"), 0), nullptr);
  rig.fan_out();
  EXPECT_EQ(rig.replay("a", Since::after({7, 2}), kMarked), Texts{"gap 3"});
}

// A joiner that has got no message yet must know from where it can resume.
TEST(OwnedRooms, JoinWithoutReplay_TellsThePosition) {
  Rig rig({.first_epoch = 4, .history = kHistory});
  EXPECT_EQ(rig.replay("a", Since{}, kMarked), Texts{"at 4:0"});
  EXPECT_EQ(rig.replay("a", Since::last(5), kMarked), Texts{"at 4:0"});
  rig.publish("a", 1, 3);
  rig.fan_out();
  EXPECT_EQ(rig.replay("a", Since::after({4, 0}), kMarked), (Texts{"1=1", "2=2", "3=3"}));
  EXPECT_EQ(rig.replay("a", Since{}, kMarked), Texts{"at 4:3"});
  EXPECT_EQ(rig.replay("a", Since::last(0), kMarked), Texts{"at 4:3"});
  EXPECT_EQ(rig.replay("a", Since::last(1), kMarked), Texts{"3=3"}) << "the message tells it";
  EXPECT_EQ(rig.replay("a", Since::after({4, 3}), kMarked), Texts{}) << "the joiner knows it";
  EXPECT_EQ(rig.replay("a", Since{}), Texts{}) << "this encoding has no notice";
}

TEST(OwnedRooms, RemovedMessage_IsReplayedToNobodyAndIsNoGap) {
  Rig rig({.first_epoch = 4, .history = kHistory});
  rig.publish("a", 1, 5);
  rig.fan_out();
  EXPECT_EQ(rig.rooms.remove("b", std::nullopt), 0U);
  EXPECT_EQ(rig.rooms.remove("a", Position{4, 3}), 1U);
  EXPECT_EQ(rig.rooms.remove("a", Position{4, 3}), 0U) << "it is gone";
  EXPECT_EQ(rig.rooms.remove("a", Position{4, 6}), 0U) << "not assigned yet";
  EXPECT_EQ(rig.rooms.remove("a", Position{4, 0}), 0U);
  EXPECT_EQ(rig.rooms.remove("a", Position{3, 2}), 0U) << "another epoch";
  EXPECT_EQ(rig.replay("a", Since::after({4, 1})), (Texts{"2", "4", "5"}));
  EXPECT_EQ(rig.replay("a", Since::after({4, 1}), kMarked), (Texts{"2=2", "at 4:3", "4=4", "5=5"}));
  EXPECT_EQ(rig.replay("a", Since::after({4, 3}), kMarked), (Texts{"4=4", "5=5"}));
  EXPECT_EQ(rig.replay("a", Since::last(3)), (Texts{"2", "4", "5"})) << "it does not count";
  rig.publish("a", 6, 6);
  rig.fan_out();
  EXPECT_EQ(rig.rooms.state("a").last, (Position{4, 6}));
  EXPECT_EQ(rig.replay("a", Since::after({4, 4})), (Texts{"5", "6"}));
}

TEST(OwnedRooms, ClearedHistory_KeepsPositionsAndFreesTheMessages) {
  Rig rig({.first_epoch = 4, .history = kHistory});
  for (int i = 0; i < 5; ++i) {
    ASSERT_NE(rig.rooms.publish("a", frame(std::string(1000, 'x')), 0), nullptr);
  }
  rig.fan_out();
  EXPECT_EQ(rig.rooms.remove("a", std::nullopt), 5U);
  EXPECT_LT(rig.rooms.history_bytes(), 1000U);
  EXPECT_EQ(rig.replay("a", Since::last(9)), Texts{});
  EXPECT_EQ(rig.replay("a", Since::last(9), kMarked), Texts{"at 4:5"});
  EXPECT_EQ(rig.replay("a", Since::after({4, 2}), kMarked), Texts{"at 4:5"}) << "no gap";
  rig.publish("a", 6, 6);
  rig.fan_out();
  EXPECT_EQ(rig.replay("a", Since::after({4, 2}), kMarked), (Texts{"at 4:5", "6=6"}));
  // Removed messages age like others, and then the room ends.
  rig.advance(3 * kHistory.age);
  rig.expect_rooms(0);
  EXPECT_EQ(rig.rooms.history_bytes(), 0U);
}

}  // namespace
}  // namespace wsd::hub::test
