// The contract of OwnedRooms, without a shard: it decides and returns values, and nothing is sent.
#include "hub/owned_rooms.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/sanitizers.h"
#include "hub/owned_rooms_rig.h"

namespace wsd::hub::test {
namespace {

constexpr HistoryLimits kManyRooms{1'000'000, std::size_t{1} << 30, 1000, std::size_t{1} << 30};

// Returns the bytes that the allocator has handed out.
std::size_t allocated() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Life of a room

TEST(OwnedRooms, Join_CreatesTheRoomAndTheLastLeaveDropsIt) {
  Rig rig;
  EXPECT_EQ(rig.rooms.find("a"), nullptr);
  EXPECT_TRUE(rig.join("a"));
  EXPECT_TRUE(rig.join("a", 5));
  EXPECT_TRUE(rig.join("b"));
  rig.expect_rooms(2);
  rig.rooms.leave("a", kShard, kIdentity);
  EXPECT_NE(rig.rooms.find("a"), nullptr);
  rig.rooms.leave("a", 5, kIdentity);
  EXPECT_EQ(rig.rooms.find("a"), nullptr);
  rig.expect_rooms(1);
  Texts names;
  rig.rooms.for_each([&](const RoomHome& room) { names.emplace_back(room.name()); });
  EXPECT_EQ(names, Texts{"b"});
}

TEST(OwnedRooms, Join_CountsMembersByShardAndEncoding) {
  Rig rig;
  rig.join("a", 1, kMarked);
  rig.join("a", 2);
  rig.join("a", 2, kMarked);
  const RoomHome& room = *rig.rooms.find("a");
  EXPECT_EQ(rig.rooms.state("a").members, 3U);
  ASSERT_EQ(room.shards().size(), 2U);
  EXPECT_EQ(room.shards()[1].members, 2U);
  EXPECT_EQ(room.encodings().size(), 1U);
  rig.rooms.leave("a", 1, kMarked);
  rig.rooms.leave("a", 2, kMarked);
  EXPECT_TRUE(room.encodings().empty());
  EXPECT_EQ(rig.rooms.state("a").members, 1U);
}

TEST(OwnedRooms, State_OfAMissingRoomIsZero) {
  const Rig rig;
  EXPECT_EQ(rig.rooms.state("a").members, 0U);
  EXPECT_EQ(rig.rooms.state("a").last, Position());
}

TEST(OwnedRooms, LastLeave_KeepsARoomWithPendingMessagesUntilFanOut) {
  Rig rig;
  rig.join("a");
  rig.publish("a", 1, 1);
  rig.rooms.leave("a", kShard, kIdentity);
  rig.expect_rooms(1);
  EXPECT_EQ(rig.fan_out(), Texts{"a"});
  rig.expect_rooms(0);
}

// Order

TEST(OwnedRooms, Publish_GivesConsecutivePositionsPerRoom) {
  Rig rig;
  rig.join("a");
  rig.join("b");
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    const RoomHome* const a = rig.rooms.publish("a", frame("x"), false);
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(a->last(), (Position{1, seq}));
  }
  const RoomHome* const b = rig.rooms.publish("b", frame("x"), false);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->last(), (Position{2, 1}));
}

TEST(OwnedRooms, Publish_WithoutMembersAndHistoryIsDiscarded) {
  Rig rig;
  EXPECT_EQ(rig.rooms.publish("a", frame("x"), true), nullptr);
  rig.expect_rooms(0);
  EXPECT_FALSE(rig.rooms.has_to_fan_out());
}

TEST(OwnedRooms, TakeBatch_ReturnsThePendingMessagesOnceWithTheirCredit) {
  Rig rig;
  rig.join("a");
  rig.join("a", 5, kMarked);
  for (const bool counted : {true, false, true}) {
    static_cast<void>(rig.rooms.publish("a", frame("x"), counted));
  }
  const OwnedRooms::PendingBatch batch = rig.take("a");
  ASSERT_NE(batch.messages, nullptr);
  EXPECT_EQ(batch.cost, 2U);
  EXPECT_EQ(texts(batch.messages->of(kIdentity)), (Texts{"x", "x", "x"}));
  EXPECT_EQ(texts(batch.messages->of(kMarked)), (Texts{"1=x", "2=x", "3=x"}));
  EXPECT_FALSE(rig.rooms.find("a")->has_pending());
  static_cast<void>(rig.rooms.publish("a", frame("y"), true));
  const OwnedRooms::PendingBatch next = rig.take("a");
  EXPECT_EQ(next.cost, 1U);
  EXPECT_EQ(texts(next.messages->of(kMarked)), (Texts{"4=y"}));
}

TEST(OwnedRooms, TakeBatch_WithoutMembersReturnsTheCreditOnly) {
  Rig rig;
  rig.join("a");
  static_cast<void>(rig.rooms.publish("a", frame("x"), true));
  rig.rooms.leave("a", kShard, kIdentity);
  const OwnedRooms::PendingBatch batch = rig.take("a");
  EXPECT_EQ(batch.messages, nullptr);
  EXPECT_EQ(batch.cost, 1U);
}

TEST(OwnedRooms, TakeBatch_OutOfMemoryKeepsMessagesAndCreditPending) {
  Rig rig;
  rig.join("a", kShard, kMarked);
  static_cast<void>(rig.rooms.publish("a", frame("x"), true));
  rig.encoder.out_of_memory = true;
  EXPECT_THROW(static_cast<void>(rig.take("a")), std::bad_alloc);
  EXPECT_TRUE(rig.rooms.find("a")->has_pending());
  EXPECT_TRUE(rig.rooms.has_to_fan_out());
  rig.encoder.out_of_memory = false;
  static_cast<void>(rig.rooms.publish("a", frame("y"), true));
  const OwnedRooms::PendingBatch batch = rig.take("a");
  EXPECT_EQ(texts(batch.messages->of(kMarked)), (Texts{"1=x", "2=y"}));
  EXPECT_EQ(batch.cost, 2U);
}

TEST(OwnedRooms, TakeBatch_NamesTheRoomUniquelyAmongShards) {
  Rig rig;
  Counter count;
  OwnedRooms other(kShard + 1, {}, rig.wheel, rig.room_count, count);
  const auto id = [](OwnedRooms& rooms, std::string_view name) {
    static_cast<void>(rooms.join(name, 0, kIdentity, Since{}));
    static_cast<void>(rooms.publish(name, frame("x"), false));
    return rooms.take_batch(*rooms.find(name)).messages->of(kIdentity).slow_rule().room;
  };
  const std::uint64_t a = id(rig.rooms, "a");
  EXPECT_NE(id(rig.rooms, "b"), a);
  EXPECT_NE(id(other, "a"), a);
}

TEST(OwnedRooms, FirstPendingTime_IsThatOfTheFirstMessageOfABatch) {
  Rig rig;
  rig.join("a");
  rig.rooms.begin_turn(0, 100);
  rig.publish("a", 1, 1);
  rig.rooms.begin_turn(0, 150);
  rig.publish("a", 2, 2);
  EXPECT_EQ(rig.rooms.find("a")->first_pending_ns, 100U);
  static_cast<void>(rig.take("a"));
  rig.publish("a", 3, 3);
  EXPECT_EQ(rig.rooms.find("a")->first_pending_ns, 150U);
}

// Fan-out

TEST(OwnedRooms, FanOut_VisitsEachRoomOnceInTheOrderOfFirstMessages) {
  Rig rig;
  for (const char* room : {"a", "b", "c"}) rig.join(room);
  for (const char* room : {"b", "a", "b"}) rig.publish(room, 1, 1);
  EXPECT_TRUE(rig.rooms.has_to_fan_out());
  EXPECT_EQ(rig.fan_out(), (Texts{"b", "a"}));
  EXPECT_FALSE(rig.rooms.has_to_fan_out());
  EXPECT_EQ(rig.fan_out(), Texts{});
}

TEST(OwnedRooms, FanOut_BlockedRoomWaitsForUnblock) {
  Rig rig;
  rig.join("a");
  rig.join("b");
  rig.publish("a", 1, 1);
  rig.publish("b", 1, 1);
  rig.rooms.fan_out([&](RoomHome& room) {
    if (room.name() == "a") return FanOutResult::kBlocked;
    static_cast<void>(rig.rooms.take_batch(room));
    return FanOutResult::kSent;
  });
  EXPECT_FALSE(rig.rooms.has_to_fan_out());
  rig.publish("a", 2, 2);
  EXPECT_FALSE(rig.rooms.has_to_fan_out()) << "a blocked room is not queued a second time";
  rig.rooms.leave("a", kShard, kIdentity);
  rig.expect_rooms(2);
  rig.rooms.unblock();
  EXPECT_TRUE(rig.rooms.has_to_fan_out());
  EXPECT_EQ(rig.fan_out(), Texts{"a"});
  rig.expect_rooms(1);
  rig.rooms.unblock();
  EXPECT_FALSE(rig.rooms.has_to_fan_out());
}

TEST(OwnedRooms, FanOut_RetriedRoomIsVisitedInTheNextPass) {
  Rig rig;
  rig.join("a", kShard, kMarked);
  rig.publish("a", 1, 2);
  rig.encoder.out_of_memory = true;
  int calls = 0;
  rig.rooms.fan_out([&](RoomHome& room) {
    ++calls;
    EXPECT_THROW(static_cast<void>(rig.rooms.take_batch(room)), std::bad_alloc);
    return FanOutResult::kRetry;
  });
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(rig.rooms.has_to_fan_out());
  rig.encoder.out_of_memory = false;
  rig.rooms.fan_out([&](RoomHome& room) {
    EXPECT_EQ(texts(rig.rooms.take_batch(room).messages->of(kMarked)), (Texts{"1=1", "2=2"}));
    return FanOutResult::kSent;
  });
  EXPECT_FALSE(rig.rooms.has_to_fan_out());
}

TEST(OwnedRooms, FanOut_ManyRoomsOnEachList) {
  Rig rig;
  Texts names;
  for (int i = 0; i < 100; ++i) {
    names.push_back(std::to_string(i));
    rig.join(names.back());
    rig.publish(names.back(), 1, 1);
  }
  for (const FanOutResult result : {FanOutResult::kBlocked, FanOutResult::kRetry}) {
    rig.rooms.fan_out([&](RoomHome&) { return result; });
    rig.rooms.unblock();
  }
  EXPECT_EQ(rig.fan_out(), names);
}

// Limit

TEST(OwnedRooms, RoomLimit_RefusesTheJoinAndCountsItUntilItsLeave) {
  Rig rig({.max_rooms = 1});
  EXPECT_TRUE(rig.join("a"));
  EXPECT_FALSE(rig.join("b"));
  EXPECT_FALSE(rig.join("b", 5)) << "the refused member does not make the room usable";
  EXPECT_TRUE(rig.join("a", 5));
  EXPECT_EQ(rig.rooms.state("b").members, 2U);
  rig.rooms.leave("b", kShard, kIdentity);
  rig.rooms.leave("b", 5, kIdentity);
  rig.expect_rooms(1);
}

TEST(OwnedRooms, RoomLimit_AllowsTheRoomOnceAnotherHasEnded) {
  Rig rig({.max_rooms = 1});
  EXPECT_TRUE(rig.join("a"));
  EXPECT_FALSE(rig.join("b"));
  rig.rooms.leave("a", kShard, kIdentity);
  EXPECT_TRUE(rig.join("b", 5));
}

TEST(OwnedRooms, RoomLimit_CountsTheRoomsOfOtherShards) {
  Rig rig({.max_rooms = 2});
  static_cast<void>(rig.room_count.add());
  static_cast<void>(rig.room_count.add());
  EXPECT_FALSE(rig.join("a"));
  EXPECT_EQ(rig.own_count.value(), 1U);
  rig.rooms.leave("a", kShard, kIdentity);
  rig.room_count.remove();
  EXPECT_TRUE(rig.join("a"));
}

TEST(OwnedRooms, RoomLimit_ExceededRoomHasNoReplayAndNoHistory) {
  Rig rig({.max_rooms = 1, .history = kHistory});
  rig.join("a");
  EXPECT_EQ(rig.rooms.publish("b", frame("x"), false), nullptr) << "a message creates no room";
  const OwnedRooms::JoinAnswer answer = rig.rooms.join("b", kShard, kMarked, Since::after({9, 9}));
  EXPECT_TRUE(answer.refused);
  EXPECT_EQ(answer.replay, nullptr);
  rig.publish("b", 1, 1);
  EXPECT_EQ(rig.rooms.history_bytes(), 0U);
  rig.fan_out();
  rig.rooms.leave("b", kShard, kMarked);
  rig.expect_rooms(1);
}

// History

TEST(OwnedRooms, History_KeepsARoomWithoutMembersUntilItHasAged) {
  Rig rig({.history = kHistory});
  rig.advance(50);
  rig.publish("a", 1, 2);
  rig.fan_out();
  rig.expect_rooms(1);
  EXPECT_NE(rig.rooms.history_bytes(), 0U);
  EXPECT_EQ(rig.wheel.size(), 1U);
  rig.advance(50 + kHistory.age - 1);
  EXPECT_EQ(rig.replay("a", Since::last(9)), (Texts{"1", "2"}));
  rig.advance(50 + 2 * kHistory.age);
  rig.expect_rooms(0);
  EXPECT_EQ(rig.rooms.history_bytes(), 0U);
  EXPECT_EQ(rig.wheel.size(), 0U);
}

TEST(OwnedRooms, History_IsReplayedFromThePositionOrWithAGap) {
  Rig rig({.first_epoch = 4, .history = kHistory});
  rig.publish("a", 1, 3);
  rig.fan_out();
  EXPECT_EQ(rig.replay("a", Since{}), Texts{});
  EXPECT_EQ(rig.replay("a", Since::last(1)), Texts{"3"});
  EXPECT_EQ(rig.replay("a", Since::after({4, 1})), (Texts{"2", "3"}));
  EXPECT_EQ(rig.replay("a", Since::after({4, 3})), Texts{});
  EXPECT_EQ(rig.replay("a", Since::after({5, 1}), kMarked), (Texts{"gap 0", "1=1", "2=2", "3=3"}));
}

TEST(OwnedRooms, Rule_OverridesTheHistoryOfMatchingRooms) {
  Rig rig({.rules = {{"log-*", {{}, kHistory}}}});
  EXPECT_EQ(rig.rooms.publish("chat", frame("x"), false), nullptr);
  EXPECT_NE(rig.rooms.publish("log-1", frame("x"), false), nullptr);
  rig.fan_out();
  rig.expect_rooms(1);
}

// Measures the memory that the allocator hands out. The frames are not written, so that large ones
// need no real memory.
TEST(OwnedRooms, History_CountsTheMemoryThatTheAllocatorHandsOut) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's allocator needs extra memory";
  struct Case {
    std::size_t rooms;
    std::size_t messages;  // in each room
    std::size_t frame;
  };
  for (const Case& each : {Case{1, 100'000, 1},
                           {1'000, 100, 1},
                           {100'000, 1, 1},
                           {1, 100'000, 100},
                           {1'000, 100, 100},
                           {100'000, 1, 100},
                           {1, 10'000, 10'000},
                           {1'000, 10, 10'000},
                           {10'000, 1, 10'000},
                           {1, 300, 1'000'000},
                           {100, 3, 1'000'000},
                           {300, 1, 1'000'000}}) {
    for (const std::size_t name : {std::size_t{10}, std::size_t{100}}) {
      SCOPED_TRACE(testing::Message() << each.rooms << " rooms, " << each.messages << " of "
                                      << each.frame << " B, names of " << name);
      const std::size_t before = allocated();
      Rig rig({.history = kManyRooms});
      for (std::size_t i = 0; i < each.rooms; ++i) {
        std::string room = std::to_string(i);
        room.resize(name, '-');
        for (std::size_t j = 0; j < each.messages; ++j) {
          ASSERT_NE(rig.rooms.publish(room, SharedBytes::make(each.frame), false), nullptr);
        }
        rig.fan_out();
      }
      const auto used = static_cast<double>(allocated() - before);
      const auto counted = static_cast<double>(rig.rooms.history_bytes());
      EXPECT_GE(counted, 0.9 * used);
      EXPECT_LE(counted, 1.1 * used);
    }
  }
}

TEST(OwnedRooms, History_CountsARoomAfterItsLastMemberToo) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's allocator needs extra memory";
  constexpr int kRooms = 10'000;
  const std::size_t before = allocated();
  Rig rig({.history = kManyRooms});
  for (int i = 0; i < kRooms; ++i) {
    const std::string room = std::to_string(i);
    rig.join(room, 1, kMarked);
    rig.join(room, 2);
    rig.publish(room, 1, 1);
    rig.fan_out();
    rig.rooms.leave(room, 1, kMarked);
    rig.rooms.leave(room, 2, kIdentity);
  }
  const auto used = static_cast<double>(allocated() - before);
  const auto counted = static_cast<double>(rig.rooms.history_bytes());
  EXPECT_GE(counted, 0.9 * used);
  EXPECT_LE(counted, 1.1 * used);
}

TEST(OwnedRooms, HistoryTotal_LimitsManyRoomsOfOneSmallMessage) {
  constexpr std::size_t kTotal = std::size_t{1} << 20;
  Rig rig({.history = {100, kTotal, 1000, kTotal}});
  std::string name(100, 'x');
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_NE(rig.rooms.publish(name + std::to_string(i), frame("x"), false), nullptr);
    rig.fan_out();
  }
  EXPECT_LE(rig.rooms.history_bytes(), kTotal);
  EXPECT_LT(rig.rooms.size(), kTotal / 300) << "a room takes more memory than this";
  EXPECT_GT(rig.rooms.size(), kTotal / 800);
  EXPECT_EQ(rig.rooms.find(name + "19999"), nullptr) << "a new room yields";
  EXPECT_NE(rig.rooms.find(name + "0"), nullptr) << "an old room keeps its history";
}

TEST(OwnedRooms, Destruction_CancelsTheTimersOfHistories) {
  TimerWheel wheel;
  RoomCount room_count;
  Counter own_count;
  {
    OwnedRooms rooms(kShard, {.history = kHistory}, wheel, room_count, own_count);
    static_cast<void>(rooms.publish("a", frame("x"), false));
    EXPECT_EQ(wheel.size(), 1U);
  }
  EXPECT_EQ(wheel.size(), 0U);
}

// Out of memory in a join

TEST(OwnedRooms, Join_OutOfMemoryLeavesNoNewRoom) {
  Rig rig;
  rig.encoder.out_of_memory = true;
  EXPECT_THROW(
      static_cast<void>(rig.rooms.join("a", kShard, kMarked, Since::after(Position{9, 9}))),
      std::bad_alloc);
  rig.expect_rooms(0);
  rig.encoder.out_of_memory = false;
  EXPECT_TRUE(rig.join("a"));
}

TEST(OwnedRooms, Join_OutOfMemoryDoesNotCountTheMember) {
  Rig rig({.history = kHistory});
  rig.join("a");
  rig.publish("a", 1, 2);
  rig.fan_out();
  rig.encoder.out_of_memory = true;
  EXPECT_THROW(static_cast<void>(rig.rooms.join("a", 5, kMarked, Since::last(2))), std::bad_alloc);
  EXPECT_EQ(rig.rooms.state("a").members, 1U);
  EXPECT_TRUE(rig.rooms.find("a")->encodings().empty());
  rig.encoder.out_of_memory = false;
  EXPECT_EQ(rig.replay("a", Since::last(2), kMarked), (Texts{"1=1", "2=2"}));
}

}  // namespace
}  // namespace wsd::hub::test
