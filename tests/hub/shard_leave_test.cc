// Leaving a room: the member gets the messages before its leave and none after it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

void publish(Shard& shard, const std::string& room, std::string_view text) {
  static_cast<void>(shard.publish(room, frame_of(text)));
}

// A member on shard 0 in a room with that home.
struct Scene {
  explicit Scene(std::uint32_t home, std::uint32_t shards = 2)
      : hub(shards), name(hub.room_at(home)) {
    own.add(member);
    own.join(member, name);
    hub.settle();
  }
  ~Scene() {
    own.remove(member);
    hub.settle();
    for (std::uint32_t i = 0; i < hub.size(); ++i) {
      EXPECT_EQ(hub.shard(i).home_count(), 0U);
      EXPECT_EQ(hub.shard(i).room_count(), 0U);
      for (const auto gate : {GateKind::kRequest, GateKind::kPublish, GateKind::kDeliver}) {
        EXPECT_EQ(hub.shard(i).gate(gate).queued(), 0U);
      }
    }
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  ManualHub hub;
  Shard& own = hub.shard(0);
  std::string name;
  FakeMember member;
};

TEST(ShardLeave, PublishThenLeave_DeliversTheMessage) {
  for (const std::uint32_t shards : {1U, 2U}) {
    for (std::uint32_t home = 0; home < shards; ++home) {
      Scene scene(home, shards);
      publish(scene.own, scene.name, "before");
      scene.own.leave(scene.member, scene.name);
      EXPECT_TRUE(scene.member.memberships().empty()) << "it has left at once";
      publish(scene.own, scene.name, "after");
      scene.hub.settle();
      EXPECT_EQ(scene.member.received, Texts{"before"}) << shards << " shards, home " << home;
    }
  }
}

TEST(ShardLeave, AnotherThreadPublishesAndThenTakesTheMemberOut_DeliversTheMessage) {
  for (const std::uint32_t home : {0U, 1U}) {
    Scene scene(home);
    EXPECT_EQ(scene.hub.hub().publish(scene.name, frame_of("before")), SendResult::kSent);
    EXPECT_EQ(scene.hub.hub().leave(scene.member.id(), scene.name), SendResult::kSent);
    EXPECT_EQ(scene.hub.hub().publish(scene.name, frame_of("at the same time")), SendResult::kSent);
    scene.hub.settle();
    ASSERT_FALSE(scene.member.received.empty());
    EXPECT_EQ(scene.member.received.front(), "before");
    EXPECT_TRUE(scene.member.memberships().empty());
  }
}

TEST(ShardLeave, AnotherReactorPublishesAndThenTakesTheMemberOut_DeliversTheMessage) {
  for (const std::uint32_t home : {0U, 1U, 2U}) {
    Scene scene(home, 3);
    publish(scene.hub.shard(1), scene.name, "before");
    scene.hub.shard(1).leave_away(scene.member.id(), scene.name);
    scene.hub.settle();
    EXPECT_EQ(scene.member.received, Texts{"before"});
    EXPECT_TRUE(scene.member.memberships().empty());
  }
}

TEST(ShardLeave, MessagesOfOthersBeforeTheHomeSeesTheLeave_AreDelivered) {
  Scene scene(1);
  scene.own.leave(scene.member, scene.name);
  publish(scene.hub.shard(1), scene.name, "before");  // has its position first
  scene.hub.shard(1).drain();                         // the leave
  publish(scene.hub.shard(1), scene.name, "after");
  scene.hub.settle();
  EXPECT_EQ(scene.member.received, Texts{"before"});
}

TEST(ShardLeave, LeavingAndJoiningAgain_KeepsEachStayApart) {
  for (const std::uint32_t home : {0U, 1U}) {
    Scene scene(home);
    Texts expected;
    for (int i = 0; i < 5; ++i) {
      publish(scene.own, scene.name, "inside " + std::to_string(i));
      expected.push_back("inside " + std::to_string(i));
      scene.own.leave(scene.member, scene.name);
      publish(scene.own, scene.name, "outside " + std::to_string(i));
      scene.own.join(scene.member, scene.name);
      EXPECT_EQ(scene.member.memberships().size(), 1U);
    }
    scene.hub.settle();
    EXPECT_EQ(scene.member.received, expected);
    EXPECT_TRUE(scene.member.is_in(scene.name));
    EXPECT_EQ(scene.own.stats().memberships.value(), 1U);
  }
}

TEST(ShardLeave, AnEndWhileLeaving_ForgetsTheMember) {
  for (const bool answered : {false, true}) {
    Scene scene(1);
    publish(scene.own, scene.name, "before");
    scene.own.leave(scene.member, scene.name);
    scene.own.join(scene.member, scene.name);
    scene.own.leave(scene.member, scene.name);
    if (answered) {
      scene.hub.shard(1).drain();
      scene.hub.shard(1).fan_out();
    }
    scene.own.remove(scene.member);
    scene.hub.settle();
    EXPECT_TRUE(scene.member.received.empty());
    EXPECT_EQ(scene.hub.shard(1).home_count(), 0U);
    scene.own.add(scene.member);
  }
}

// A member at the end of the list takes the place of one that leaves, also if it is leaving itself.
TEST(ShardLeave, ManyMembersLeaveInAnyOrder) {
  ManualHub hub(2);
  Shard& own = hub.shard(0);
  const std::string room = hub.room_at(1);
  std::vector<std::unique_ptr<FakeMember>> members;
  for (int i = 0; i < 8; ++i) {
    members.push_back(std::make_unique<FakeMember>());
    own.add(*members.back());
    own.join(*members.back(), room);
  }
  hub.settle();
  for (const std::size_t first : {7U, 0U, 3U, 6U}) {
    publish(own, room, std::to_string(first));
    own.leave(*members[first], room);
  }
  own.remove(*members[0]);  // ends while it leaves
  hub.settle();
  EXPECT_EQ(members[7]->received, Texts{"7"});
  EXPECT_TRUE(members[0]->received.empty());
  EXPECT_EQ(members[3]->received, (Texts{"7", "0", "3"}));
  EXPECT_EQ(members[1]->received, (Texts{"7", "0", "3", "6"}));
  own.add(*members[0]);
  for (const auto& each : members) own.remove(*each);
  hub.settle();
  EXPECT_EQ(own.room_count(), 0U);
  EXPECT_EQ(hub.shard(1).home_count(), 0U);
}

// Ends like a connection: it may not join any more.
class EndedMember final : public Member {
 public:
  virtual ~EndedMember() = default;
  void deliver(const Batch& /*batch*/) override { FAIL(); }
  void deliver(const SharedBytes& /*frame*/) override {}
  void close(CloseCause /*cause*/, CloseCode /*code*/, std::string_view /*reason*/) override {}
  [[nodiscard]] bool may_join() const noexcept override { return false; }
  void on_deadline(Tick /*now*/) override {}
};

TEST(ShardLeave, JoinOfAClosingMember_HasNoEffect) {
  ManualHub hub(2);
  EndedMember member;
  const ConnectionId id = hub.shard(0).add(member);
  for (const std::uint32_t home : {0U, 1U}) {
    const std::string room = hub.room_at(home);
    EXPECT_EQ(hub.hub().join(id, room), SendResult::kSent);
    hub.shard(1).join_away(id, room, {});
    hub.shard(0).join(member, room);
    hub.settle();
    publish(hub.shard(0), room, "x");
    hub.settle();
    EXPECT_EQ(hub.shard(home).home_count(), 0U);
  }
  EXPECT_EQ(hub.shard(0).room_count(), 0U);
  EXPECT_EQ(hub.shard(0).stats().memberships.value(), 0U);
  hub.shard(0).remove(member);
}

// A handler may use a view of the name of a room that a member has left. AddressSanitizer sees a
// name that was freed.
TEST(ShardLeave, TheNameOfARoom_LivesUntilFreeNames) {
  ManualHub hub(1);
  Shard& shard = hub.shard(0);
  FakeMember member;
  shard.add(member);
  const std::string name = "a room whose name is longer than a short string";
  shard.join(member, name);
  const std::string_view view = member.memberships().at(0).room->name;
  const char* const address = view.data();
  shard.leave(member, view);
  shard.join(member, name);
  EXPECT_NE(member.memberships().at(0).room->name.data(), address) << "the former name is kept";
  EXPECT_EQ(view, name);
  shard.free_names();
  shard.remove(member);
}

}  // namespace
}  // namespace wsd::hub
