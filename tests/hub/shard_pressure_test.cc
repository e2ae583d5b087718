// What waits for a shard is bounded in messages and in bytes, whatever it is.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr std::uint64_t kBytes = 100'000;

Shard::Options options(std::uint32_t messages, std::uint64_t bytes) {
  Shard::Options limits;
  limits.max_pending_publishes = messages;
  limits.max_pending_bytes = bytes;
  return limits;
}

TEST(ShardPressure, LargePublishes_AreLimitedByTheirBytes) {
  ManualHub hub(2, options(65'536, kBytes));
  const std::string room = hub.room_at(1);
  FakeMember member;
  hub.shard(1).add(member);
  hub.shard(1).join(member, room);
  const std::string text(30'000, 'x');
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(hub.shard(0).publish(room, frame_of(text)),
              i < 3 ? PublishOutcome::kAccepted : PublishOutcome::kCongested);
  }
  EXPECT_EQ(hub.hub().publish(room, frame_of(text)), SendResult::kCongested);
  EXPECT_EQ(hub.hub().send(member.id(), frame_of(text)), SendResult::kCongested);
  hub.settle();
  EXPECT_EQ(member.received.size(), 5U);
  EXPECT_EQ(hub.shard(1).publish_gate().queued(), 0U);
  EXPECT_EQ(hub.hub().send(member.id(), frame_of(std::string(2 * kBytes, 'x'))), SendResult::kSent)
      << "a message that starts below the limit passes whole";
  EXPECT_EQ(hub.hub().send(member.id(), frame_of("x")), SendResult::kCongested);
  hub.shard(1).remove(member);
  hub.settle();
}

TEST(ShardPressure, LargeBatches_BlockTheHomeByTheirBytes) {
  ManualHub hub(2, options(65'536, kBytes));
  Shard& home = hub.shard(0);
  const std::string room = hub.room_at(0);
  FakeMember member;
  hub.shard(1).add(member);
  hub.shard(1).join(member, room);
  hub.settle();
  const std::string text(60'000, 'x');
  for (int i = 0; i < 6; ++i) {
    static_cast<void>(home.publish(room, frame_of(text)));
    home.fan_out();
  }
  EXPECT_LE(hub.shard(1).deliver_gate().queued(), kBytes + text.size() + 1000);
  EXPECT_GT(hub.shard(1).deliver_gate().queued(), kBytes);
  hub.settle();
  EXPECT_EQ(member.received.size(), 6U);
  EXPECT_EQ(hub.shard(1).deliver_gate().queued(), 0U);
  EXPECT_EQ(home.publish_gate().queued(), 0U);
  hub.shard(1).remove(member);
  hub.settle();
}

// Joins, leaves and queries

TEST(ShardPressure, JoinsAndLeaves_PauseTheirCauseAndResumeIt) {
  ManualHub hub(2, 4);
  const std::string room = hub.room_at(1);
  FakeMember member;
  hub.shard(0).add(member);
  int congested = 0;
  for (int i = 0; i < 4; ++i) {
    congested += hub.shard(0).join(member, room) == PublishOutcome::kCongested ? 1 : 0;
    congested += hub.shard(0).leave(member, room) == PublishOutcome::kCongested ? 1 : 0;
  }
  EXPECT_EQ(congested, 4) << "the first four are within the limit";
  EXPECT_FALSE(hub.shard(0).take_resumed());
  bool resumed = false;
  for (int turn = 0; turn < 3; ++turn) {  // the answers fill the delivery gate meanwhile
    hub.shard(1).drain();
    hub.shard(1).fan_out();
    hub.shard(0).drain();
    resumed = resumed || hub.shard(0).take_resumed();
  }
  EXPECT_TRUE(resumed);
  hub.settle();
  EXPECT_EQ(hub.shard(1).home_count(), 0U);
  EXPECT_EQ(hub.shard(1).publish_gate().queued(), 0U);
  hub.shard(0).remove(member);
}

class NoState final : public RoomStateCallback {
 public:
  void run(const RoomState& /*state*/) noexcept override {}
};

TEST(ShardPressure, Queries_PauseTheirCause) {
  ManualHub hub(2, 2);
  const std::string room = hub.room_at(1);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(hub.shard(0).query(room, std::make_unique<NoState>()),
              i < 2 ? PublishOutcome::kAccepted : PublishOutcome::kCongested);
  }
  EXPECT_EQ(hub.hub().query(room, std::make_unique<NoState>()), SendResult::kCongested);
  hub.settle();
  EXPECT_EQ(hub.hub().query(room, std::make_unique<NoState>()), SendResult::kSent);
  hub.settle();
  EXPECT_EQ(hub.shard(1).publish_gate().queued(), 0U);
}

TEST(ShardPressure, RequestsOfOtherThreads_AreRefusedAtTheLimit) {
  ManualHub hub(2, 2);
  const std::string room = hub.room_at(1);
  FakeMember member;
  const ConnectionId id = hub.shard(0).add(member);
  EXPECT_EQ(hub.hub().join(id, room), SendResult::kSent);
  EXPECT_EQ(hub.hub().leave(id, room), SendResult::kSent);
  EXPECT_EQ(hub.hub().join(id, room), SendResult::kCongested);
  EXPECT_EQ(hub.hub().leave(id, room), SendResult::kCongested);
  EXPECT_EQ(hub.hub().query(0U, std::shared_ptr<ShardQuery>()), SendResult::kCongested);
  EXPECT_EQ(hub.shard(1).join_away(id, room, {}), PublishOutcome::kCongested);
  hub.settle();
  EXPECT_TRUE(member.is_in(room));
  EXPECT_EQ(hub.shard(0).request_gate().queued(), 0U);
  hub.shard(0).remove(member);
  hub.settle();
}

// The shard of the member takes the requests at once, so that their pressure must travel on: the
// home shard does not drain.
TEST(ShardPressure, RequestsForACongestedHome_KeepWaitingAtTheirGate) {
  ManualHub hub(2, 4);
  const std::string room = hub.room_at(1);
  FakeMember member;
  const ConnectionId id = hub.shard(0).add(member);
  int accepted = 0;
  for (int i = 0; i < 1000; ++i) {
    const bool join = i % 2 == 0;
    const SendResult result = join ? hub.hub().join(id, room) : hub.hub().leave(id, room);
    accepted += result == SendResult::kSent ? 1 : 0;
    hub.shard(0).drain();
    hub.shard(0).fan_out();
  }
  EXPECT_LE(accepted, 10) << "two gates of 4, and one each that passes";
  hub.settle();
  EXPECT_EQ(hub.shard(0).request_gate().queued(), 0U);
  EXPECT_EQ(hub.shard(1).publish_gate().queued(), 0U);
  hub.shard(0).remove(member);
  hub.settle();
  EXPECT_EQ(hub.shard(1).home_count(), 0U);
}

// Requests wait at both shards for each other's home. Neither may wait for ever.
TEST(ShardPressure, RequestsInBothDirections_DoNotDeadlock) {
  ManualHub hub(2, 2);
  const std::vector<std::string> rooms = {hub.room_at(0), hub.room_at(1)};
  std::vector<FakeMember> members(2);
  for (std::uint32_t i = 0; i < 2; ++i) hub.shard(i).add(members[i]);
  for (int round = 0; round < 50; ++round) {
    for (std::uint32_t i = 0; i < 2; ++i) {
      const std::string& room = rooms[1 - i];
      static_cast<void>(hub.hub().join(members[i].id(), room));
      static_cast<void>(hub.hub().leave(members[i].id(), room));
      static_cast<void>(hub.shard(1 - i).join_away(members[i].id(), room, {}));
      hub.shard(i).drain();
      static_cast<void>(hub.shard(i).publish(room, frame_of("x")));
    }
  }
  hub.settle();
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(hub.shard(i).request_gate().queued(), 0U);
    EXPECT_EQ(hub.shard(i).publish_gate().queued(), 0U);
    EXPECT_EQ(hub.shard(i).deliver_gate().queued(), 0U);
  }
  for (std::uint32_t i = 0; i < 2; ++i) hub.shard(i).remove(members[i]);
  hub.settle();
}

TEST(ShardPressure, OneCloseWaitsForEachConnection) {
  ManualHub hub(1, 2);
  FakeMember a;
  FakeMember b;
  for (FakeMember* each : {&a, &b}) hub.shard(0).add(*each);
  for (int i = 0; i < 100; ++i) {
    for (FakeMember* each : {&a, &b}) hub.hub().close(each->id(), CloseCode::kGoingAway, "first");
  }
  hub.settle();
  EXPECT_EQ(a.closes, 1);
  EXPECT_EQ(b.closes, 1);
  hub.hub().close(a.id(), CloseCode::kGoingAway, "again");
  hub.settle();
  EXPECT_EQ(a.closes, 2);
  for (FakeMember* each : {&a, &b}) hub.shard(0).remove(*each);
}

// A busy gate that opens must not resume connections that wait for another shard.
TEST(ShardPressure, OpeningOfAnotherGate_DoesNotResumePublishers) {
  ManualHub hub(3, 2);
  const std::string stalled = hub.room_at(1);
  const std::string busy = hub.room_at(2);
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(hub.shard(0).publish(stalled, frame_of("x")));
    static_cast<void>(hub.shard(0).publish(busy, frame_of("x")));
  }
  hub.shard(2).drain();
  hub.shard(0).drain();
  EXPECT_FALSE(hub.shard(0).take_resumed());
  hub.shard(1).drain();
  hub.shard(0).drain();
  EXPECT_TRUE(hub.shard(0).take_resumed());
}

// A blocked room

struct BlockedRoom {
  BlockedRoom() {
    hub.shard(1).add(remote);
    home.add(local);
    hub.shard(1).join(remote, name);
    hub.settle();
    for (int i = 0; i < 3; ++i) publish("first");
    home.fan_out();  // from here on, the gate of shard 1 is closed
    publish("pending");
    home.fan_out();
  }
  ~BlockedRoom() {
    home.remove(local);
    hub.shard(1).remove(remote);
    hub.settle();
    EXPECT_EQ(home.home_count(), 0U);
    EXPECT_EQ(home.publish_gate().queued(), 0U);
    EXPECT_EQ(hub.shard(1).deliver_gate().queued(), 0U);
  }
  BlockedRoom(const BlockedRoom&) = delete;
  BlockedRoom& operator=(const BlockedRoom&) = delete;
  void publish(std::string_view text) { static_cast<void>(home.publish(name, frame_of(text))); }

  ManualHub hub{2, 2};
  Shard& home = hub.shard(0);
  std::string name = hub.room_at(0);
  FakeMember remote;
  FakeMember local;
};

TEST(ShardPressure, JoinsOfABlockedRoom_SendNothingPastTheGate) {
  BlockedRoom room;
  const std::uint64_t closed = room.hub.shard(1).deliver_gate().queued();
  for (int i = 0; i < 20; ++i) {
    room.home.join(room.local, room.name);
    room.publish("inside");
    room.home.leave(room.local, room.name);
    room.publish("outside");
    room.home.fan_out();
    EXPECT_EQ(room.hub.shard(1).deliver_gate().queued(), closed);
  }
  room.hub.settle();
  EXPECT_EQ(room.local.received, Texts(20, "inside"));
  EXPECT_EQ(room.remote.received.size(), 3U + 1 + 40);
}

TEST(ShardPressure, MailForABlockedRoom_IsCounted) {
  BlockedRoom room;
  EXPECT_EQ(room.hub.hub().publish(room.name, frame_of("x")), SendResult::kSent);
  PublishOutcome last = PublishOutcome::kAccepted;
  for (int i = 0; i < 4; ++i) {
    room.home.join(room.local, room.name);
    last = room.home.leave(room.local, room.name);
  }
  EXPECT_EQ(last, PublishOutcome::kCongested);
  EXPECT_EQ(room.hub.hub().publish(room.name, frame_of("x")), SendResult::kCongested);
}

TEST(ShardPressure, AJoinOfABlockedRoom_KeepsItsPlaceAmongThePublishes) {
  BlockedRoom room;
  room.home.join(room.local, room.name);
  EXPECT_EQ(room.local.memberships().size(), 1U);
  room.publish("after");
  room.hub.settle();
  EXPECT_EQ(room.local.received, Texts{"after"});
  EXPECT_EQ(room.remote.received, (Texts{"first", "first", "first", "pending", "after"}));
}

TEST(ShardPressure, AnEndWhileAJoinWaits_ForgetsTheMember) {
  BlockedRoom room;
  room.home.join(room.local, room.name);
  room.home.remove(room.local);
  room.hub.settle();
  EXPECT_TRUE(room.local.received.empty());
  room.home.add(room.local);
}

// Answers

TEST(ShardPressure, AnswersToJoins_AreLimitedByTheDeliveryGate) {
  ManualHub hub(2, 4);
  Shard& home = hub.shard(1);
  std::vector<std::unique_ptr<FakeMember>> members;
  for (int i = 0; i < 50; ++i) {
    members.push_back(std::make_unique<FakeMember>());
    hub.shard(0).add(*members.back());
    hub.shard(0).join(*members.back(), hub.room_at(1, i % 3));
    home.drain();
    home.fan_out();
  }
  EXPECT_EQ(hub.shard(0).deliver_gate().queued(), home.costs().of(5, 0))
      << "the other joins wait at the home shard";
  hub.settle();
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(members[static_cast<std::size_t>(i)]->is_in(hub.room_at(1, i % 3)));
  }
  for (const auto& each : members) hub.shard(0).remove(*each);
  hub.settle();
  EXPECT_EQ(home.home_count(), 0U);
  EXPECT_EQ(hub.shard(0).deliver_gate().queued(), 0U);
}

TEST(ShardPressure, AReplay_CountsItsBytes) {
  Shard::Options limits = options(65'536, kBytes);
  limits.history = {100, 1 << 20, ticks_for_ms(60'000), 1 << 20};
  ManualHub hub(2, limits);
  Shard& home = hub.shard(1);
  const std::string room = hub.room_at(1);
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(home.publish(room, frame_of(std::string(20'000, 'x'))));
  }
  home.fan_out();
  std::vector<FakeMember> members(4);
  for (FakeMember& each : members) {
    hub.shard(0).add(each);
    hub.shard(0).join(each, room, Since::last(10));
  }
  home.drain();
  EXPECT_GT(hub.shard(0).deliver_gate().queued(), kBytes);
  EXPECT_LT(hub.shard(0).deliver_gate().queued(), 2 * kBytes) << "two of four replays have passed";
  hub.settle();
  for (FakeMember& each : members) {
    EXPECT_EQ(each.received.size(), 3U);
    hub.shard(0).remove(each);
  }
  hub.settle();
}

}  // namespace
}  // namespace wsd::hub
