#include "hub/shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

TEST(Shard, IdsNameTheMemberAndItsShard) {
  ManualHub hub(3);
  FakeMember a;
  FakeMember b;
  const ConnectionId first = hub.shard(2).add(a);
  const ConnectionId second = hub.shard(2).add(b);
  EXPECT_NE(first, 0U);
  EXPECT_NE(first, second);
  EXPECT_EQ(a.id(), first);
  EXPECT_EQ(shard_of(first), 2U);
  EXPECT_EQ(hub.shard(2).find(first), &a);
  EXPECT_EQ(hub.shard(2).find(second), &b);
  EXPECT_EQ(hub.shard(2).find(0), nullptr);
  EXPECT_EQ(hub.shard(2).find(~ConnectionId{0}), nullptr);
  EXPECT_EQ(hub.shard(2).member_count(), 2U);
  const auto members = [&] {
    std::vector<Member*> all;
    hub.shard(2).for_each_member([&](Member& each) { all.push_back(&each); });
    return all;
  };
  EXPECT_EQ(members().size(), 2U);
  hub.shard(2).remove(a);
  EXPECT_EQ(hub.shard(2).find(first), nullptr);
  EXPECT_EQ(members(), std::vector<Member*>{&b});
  hub.shard(2).remove(b);
}

TEST(Shard, IdsAreNeverUsedAgain) {
  ManualHub hub(1);
  std::set<ConnectionId> seen;
  FakeMember stays;
  seen.insert(hub.shard(0).add(stays));
  for (int i = 0; i < 5000; ++i) {
    FakeMember member;
    const ConnectionId id = hub.shard(0).add(member);
    ASSERT_TRUE(seen.insert(id).second);
    hub.shard(0).remove(member);
    ASSERT_EQ(hub.shard(0).find(id), nullptr);
  }
  EXPECT_EQ(hub.shard(0).member_count(), 1U);
  hub.shard(0).remove(stays);
}

TEST(Shard, MailForAFormerMemberIsNotGivenToTheNext) {
  ManualHub hub(1);
  ConnectionId former = 0;
  {
    FakeMember member;
    former = hub.shard(0).add(member);
    hub.shard(0).remove(member);
  }
  FakeMember next;
  hub.shard(0).add(next);
  EXPECT_EQ(hub.hub().send(former, frame_of("x")), SendResult::kSent);
  hub.hub().close(former, CloseCode::kGoingAway, "");
  EXPECT_EQ(hub.hub().join(former, "room"), SendResult::kSent);
  hub.settle();
  EXPECT_TRUE(next.received.empty());
  EXPECT_EQ(next.closes, 0);
  EXPECT_EQ(hub.shard(0).room_count(), 0U);
  EXPECT_EQ(hub.shard(0).publish_gate().queued(), 0U);
  hub.shard(0).remove(next);
}

TEST(Shard, RemovingLeavesAllRoomsAndDisarms) {
  ManualHub hub(1);
  Shard& shard = hub.shard(0);
  FakeMember member;
  shard.add(member);
  for (const char* room : {"a", "b", "c"}) shard.join(member, room);
  shard.wheel().arm(member, 10);
  EXPECT_EQ(shard.room_count(), 3U);
  EXPECT_EQ(shard.home_count(), 3U);
  shard.remove(member);
  EXPECT_TRUE(member.memberships().empty());
  EXPECT_FALSE(member.armed());
  EXPECT_EQ(shard.room_count(), 0U);
  EXPECT_EQ(shard.home_count(), 0U);
}

TEST(Shard, MessagesOfOneRoomInOneTurnAreOneBatch) {
  ManualHub hub(1);
  Shard& shard = hub.shard(0);
  FakeMember a;
  FakeMember b;
  FakeMember elsewhere;
  for (FakeMember* each : {&a, &b, &elsewhere}) shard.add(*each);
  shard.join(a, "room");
  shard.join(b, "room");
  shard.join(elsewhere, "other");
  EXPECT_FALSE(shard.has_pending());
  for (const char* text : {"1", "2", "3"}) {
    EXPECT_EQ(shard.publish("room", frame_of(text)), PublishOutcome::kAccepted);
  }
  EXPECT_TRUE(shard.has_pending());
  EXPECT_TRUE(a.received.empty());
  shard.fan_out();
  EXPECT_FALSE(shard.has_pending());
  EXPECT_EQ(a.received, (Texts{"1", "2", "3"}));
  EXPECT_EQ(b.received, (Texts{"1", "2", "3"}));
  EXPECT_EQ(a.batches, 1);
  EXPECT_TRUE(elsewhere.received.empty());
  for (FakeMember* each : {&a, &b, &elsewhere}) shard.remove(*each);
}

TEST(Shard, AJoinerGetsWhatIsPublishedAfterItAndOthersGetAll) {
  ManualHub hub(1);
  Shard& shard = hub.shard(0);
  FakeMember early;
  FakeMember late;
  shard.add(early);
  shard.add(late);
  shard.join(early, "room");
  static_cast<void>(shard.publish("room", frame_of("before")));
  shard.join(late, "room");
  static_cast<void>(shard.publish("room", frame_of("after")));
  shard.fan_out();
  EXPECT_EQ(early.received, (Texts{"before", "after"}));
  EXPECT_EQ(late.received, (Texts{"after"}));
  shard.remove(early);
  shard.remove(late);
}

TEST(Shard, ALeavingMember_GetsTheMessagesBeforeItAndNothingMore) {
  ManualHub hub(1);
  Shard& shard = hub.shard(0);
  FakeMember stays;
  FakeMember goes;
  shard.add(stays);
  shard.add(goes);
  shard.join(stays, "room");
  shard.join(goes, "room");
  static_cast<void>(shard.publish("room", frame_of("x")));
  shard.leave(goes, "room");
  static_cast<void>(shard.publish("room", frame_of("y")));
  shard.fan_out();
  EXPECT_EQ(stays.received, (Texts{"x", "y"}));
  EXPECT_EQ(goes.received, Texts{"x"});
  shard.remove(stays);
  shard.remove(goes);
}

TEST(Shard, PublishingToNobodyLeavesNothing) {
  ManualHub hub(2, 2);
  const std::string room = hub.room_at(0);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(hub.shard(0).publish(room, frame_of("x")), PublishOutcome::kAccepted);
  }
  EXPECT_EQ(hub.shard(0).home_count(), 0U);
  EXPECT_EQ(hub.shard(0).publish_gate().queued(), 0U);
  EXPECT_FALSE(hub.shard(0).has_pending());
}

TEST(Shard, ARoomLeftWithMessagesPendingIsForgotten) {
  ManualHub hub(2, 2);
  Shard& shard = hub.shard(0);
  const std::string room = hub.room_at(0);
  FakeMember member;
  shard.add(member);
  shard.join(member, room);
  static_cast<void>(shard.publish(room, frame_of("x")));
  shard.leave(member, room);
  shard.fan_out();
  EXPECT_EQ(member.received, Texts{"x"});
  EXPECT_EQ(shard.home_count(), 0U);
  EXPECT_EQ(shard.publish_gate().queued(), 0U);
  // The member leaves and joins again while the room is queued: the room stays.
  shard.join(member, room);
  static_cast<void>(shard.publish(room, frame_of("y")));
  shard.leave(member, room);
  shard.join(member, room);
  shard.fan_out();
  EXPECT_EQ(member.received, (Texts{"x", "y"}));
  static_cast<void>(shard.publish(room, frame_of("z")));
  shard.fan_out();
  EXPECT_EQ(member.received, (Texts{"x", "y", "z"}));
  shard.remove(member);
}

TEST(Shard, CommandsAreBitsAndSaidOnce) {
  ManualHub hub(2);
  hub.hub().command(1);
  hub.hub().command(4);
  hub.shard(0).drain();
  EXPECT_EQ(hub.shard(0).take_commands(), 5U);
  EXPECT_EQ(hub.shard(0).take_commands(), 0U);
  hub.shard(1).drain();
  EXPECT_EQ(hub.shard(1).take_commands(), 5U);
}

TEST(Shard, IsWokenOncePerSleep) {
  ManualHub hub(1);
  Shard& shard = hub.shard(0);
  hub.hub().command(1);
  EXPECT_EQ(hub.waker(0).wakes, 0);  // it did not sleep
  EXPECT_FALSE(shard.arm());         // there is mail
  shard.drain();
  EXPECT_TRUE(shard.arm());
  hub.hub().command(1);
  hub.hub().command(1);
  EXPECT_EQ(hub.waker(0).wakes, 1);
  shard.drain();
  EXPECT_TRUE(shard.arm());
  shard.drain();  // woken by something else
  hub.hub().command(1);
  EXPECT_EQ(hub.waker(0).wakes, 1);
  shard.drain();
}

TEST(Shard, MailThatIsNeverDrainedIsFreed) {
  auto hub = std::make_unique<ManualHub>(2);
  const std::string room = hub->room_at(1);
  static_cast<void>(hub->hub().publish(room, frame_of("x")));
  hub->hub().close(1, CloseCode::kNormalClosure, "a reason that is too long to lie inline");
  hub.reset();
}

// Back-pressure of publishes

TEST(Shard, APublisherOverTheBoundIsToldAndResumedOnce) {
  ManualHub hub(2, 4);
  const std::string room = hub.room_at(1);
  FakeMember member;
  hub.shard(1).add(member);
  hub.shard(1).join(member, room);
  Texts expected;
  for (int i = 0; i < 6; ++i) {
    expected.push_back(std::to_string(i));
    EXPECT_EQ(hub.shard(0).publish(room, frame_of(expected.back())),
              i < 4 ? PublishOutcome::kAccepted : PublishOutcome::kCongested);
  }
  EXPECT_FALSE(hub.shard(0).take_resumed());
  hub.shard(1).drain();
  hub.shard(0).drain();
  EXPECT_FALSE(hub.shard(0).take_resumed());  // handled, but not yet sent
  hub.shard(1).fan_out();
  EXPECT_EQ(member.received, expected);
  hub.shard(0).drain();
  EXPECT_TRUE(hub.shard(0).take_resumed());
  EXPECT_FALSE(hub.shard(0).take_resumed());
  EXPECT_EQ(hub.shard(1).publish_gate().queued(), 0U);
  hub.shard(1).remove(member);
}

// The own gate may open in the last step of a turn, and no mail then ends the following sleep.
TEST(Shard, APublisherHeldByItsOwnShardIsResumedWithoutMail) {
  ManualHub hub(2, 4);
  Shard& shard = hub.shard(0);
  const std::string room = hub.room_at(0);
  FakeMember member;
  shard.add(member);
  shard.join(member, room);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(shard.publish(room, frame_of("x")), PublishOutcome::kAccepted);
  }
  EXPECT_EQ(shard.publish(room, frame_of("x")), PublishOutcome::kCongested);
  shard.fan_out();
  EXPECT_EQ(member.received.size(), 5U);
  EXPECT_TRUE(shard.has_pending());  // the next turn must not sleep
  EXPECT_TRUE(shard.take_resumed());
  EXPECT_FALSE(shard.has_pending());
  shard.remove(member);
}

TEST(Shard, ALoneShardNeverHoldsItsPublishers) {
  ManualHub hub(1, 2);
  FakeMember member;
  hub.shard(0).add(member);
  hub.shard(0).join(member, "room");
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(hub.shard(0).publish("room", frame_of("x")), PublishOutcome::kAccepted);
  }
  hub.shard(0).fan_out();
  EXPECT_EQ(member.received.size(), 100U);
  hub.shard(0).remove(member);
}

TEST(Shard, SendingToAMemberOfAnotherShardCountsAtItsGate) {
  ManualHub hub(2, 2);
  FakeMember member;
  const ConnectionId id = hub.shard(1).add(member);
  EXPECT_EQ(hub.shard(0).send_away(id, frame_of("1")), PublishOutcome::kAccepted);
  EXPECT_EQ(hub.shard(0).send_away(id, frame_of("2")), PublishOutcome::kAccepted);
  EXPECT_EQ(hub.shard(0).send_away(id, frame_of("3")), PublishOutcome::kCongested);
  hub.shard(1).drain();
  EXPECT_EQ(member.received, (Texts{"1", "2", "3"}));
  hub.shard(0).drain();
  EXPECT_TRUE(hub.shard(0).take_resumed());
  EXPECT_EQ(hub.shard(1).publish_gate().queued(), 0U);
  // No shard of this hub has assigned this id.
  EXPECT_EQ(hub.shard(0).send_away(std::uint64_t{1} << 32 | 0x07000000, frame_of("x")),
            PublishOutcome::kAccepted);
  hub.shard(1).remove(member);
}

// Back-pressure of deliveries

TEST(Shard, TheHomeHoldsBatchesWhileATargetIsBehind) {
  ManualHub hub(3, 4);
  Shard& home = hub.shard(0);
  const std::string room = hub.room_at(0, 1);
  const std::string other = hub.room_at(0, 2);
  FakeMember slow;
  FakeMember quick;
  hub.shard(1).add(slow);
  hub.shard(2).add(quick);
  hub.shard(1).join(slow, room);
  hub.shard(2).join(quick, room);
  hub.shard(2).join(quick, other);
  hub.settle();
  Texts expected;
  const auto publish = [&](int count) {
    for (int i = 0; i < count; ++i) {
      expected.push_back(std::to_string(expected.size()));
      static_cast<void>(home.publish(room, frame_of(expected.back())));
    }
    home.fan_out();
    hub.shard(2).drain();
    home.drain();
    static_cast<void>(home.take_resumed());
  };
  publish(5);  // exceeds the limit of shard 1, which does not drain
  EXPECT_EQ(quick.received.size(), 5U);
  publish(1);
  publish(2);
  EXPECT_EQ(quick.received.size(), 5U);  // blocked for all, so that the room keeps one order
  EXPECT_EQ(home.publish_gate().queued(), home.costs().of(3, 0));
  static_cast<void>(home.publish(other, frame_of("free")));
  home.fan_out();
  hub.shard(2).drain();
  EXPECT_EQ(quick.received.back(), "free");  // rooms without members there continue
  quick.received.pop_back();
  hub.shard(1).drain();
  EXPECT_EQ(slow.received.size(), 5U);
  hub.settle();
  EXPECT_EQ(slow.received, expected);
  EXPECT_EQ(quick.received, expected);
  EXPECT_EQ(home.publish_gate().queued(), 0U);
  EXPECT_EQ(hub.shard(1).deliver_gate().queued(), 0U);
  hub.shard(1).remove(slow);
  hub.shard(2).remove(quick);
  hub.settle();
  EXPECT_EQ(home.home_count(), 0U);
}

TEST(Shard, AJoinWhileARoomIsHeldKeepsItsPlace) {
  ManualHub hub(2, 2);
  Shard& home = hub.shard(0);
  const std::string room = hub.room_at(0);
  FakeMember remote;
  FakeMember local;
  hub.shard(1).add(remote);
  home.add(local);
  hub.shard(1).join(remote, room);
  hub.settle();
  for (int i = 0; i < 3; ++i) static_cast<void>(home.publish(room, frame_of("first")));
  home.fan_out();  // from here on, shard 1 exceeds its limit
  static_cast<void>(home.publish(room, frame_of("held")));
  home.fan_out();
  home.join(local, room);
  static_cast<void>(home.publish(room, frame_of("after")));
  home.fan_out();
  hub.settle();
  EXPECT_EQ(local.received, Texts{"after"});
  EXPECT_EQ(remote.received, (Texts{"first", "first", "first", "held", "after"}));
  home.remove(local);
  hub.shard(1).remove(remote);
  hub.settle();
  EXPECT_EQ(home.home_count(), 0U);
}

TEST(Shard, AHeldRoomThatEveryoneLeavesIsForgotten) {
  ManualHub hub(2, 2);
  Shard& home = hub.shard(0);
  const std::string room = hub.room_at(0);
  FakeMember remote;
  hub.shard(1).add(remote);
  hub.shard(1).join(remote, room);
  hub.settle();
  for (int i = 0; i < 3; ++i) static_cast<void>(home.publish(room, frame_of("x")));
  home.fan_out();
  static_cast<void>(home.publish(room, frame_of("held")));
  home.fan_out();
  hub.shard(1).leave(remote, room);
  hub.settle();
  EXPECT_EQ(home.home_count(), 0U);
  EXPECT_EQ(home.publish_gate().queued(), 0U);
  EXPECT_EQ(remote.received, (Texts{"x", "x", "x", "held"}));
  hub.shard(1).remove(remote);
}

// Records when it runs. Runs out of memory the first times.
class FailingTask final : public ShardTask {
 public:
  FailingTask(std::vector<int>& ran, int number, int failures)
      : ran_(ran), number_(number), failures_(failures) {}
  void run() override {
    if (failures_-- > 0) throw std::bad_alloc();
    ran_.push_back(number_);
  }

 private:
  std::vector<int>& ran_;
  const int number_;
  int failures_;
};

TEST(Shard, TaskWithoutMemory_RunsInALaterTurnBeforeLaterMail) {
  ManualHub hub(2);
  std::vector<int> ran;
  for (const int number : {1, 2}) {
    auto task = std::make_unique<FailingTask>(ran, number, number == 1 ? 2 : 0);
    hub.shard(0).post_to(1, mail_of(ShardTaskMail{std::move(task)}));
  }
  hub.shard(1).drain();
  hub.shard(1).drain();
  EXPECT_TRUE(ran.empty());
  EXPECT_TRUE(hub.shard(1).retry_needed());
  hub.shard(1).drain();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  EXPECT_FALSE(hub.shard(1).retry_needed());
}

}  // namespace
}  // namespace wsd::hub
