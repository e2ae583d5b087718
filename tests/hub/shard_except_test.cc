// Messages that one member does not get.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "hub/fake_engine.h"
#include "hub/fake_member.h"
#include "hub/fake_order_engine.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr ConnectionId kNobody = 0;

Shard::Options with_history() {
  Shard::Options made;
  made.history = {100, 1 << 20, 1'000'000, 1 << 20};
  return made;
}

// One member on each shard, in a room whose home is shard 0.
struct Scene {
  explicit Scene(std::uint32_t shards) : hub(shards, with_history()), name(hub.room_at(0)) {
    for (std::uint32_t i = 0; i < shards; ++i) {
      hub.shard(i).add(members.emplace_back());
      hub.shard(i).join(members.back(), name);
    }
    hub.settle();
  }
  ~Scene() {
    for (std::uint32_t i = 0; i < hub.size(); ++i) hub.shard(i).remove(members[i]);
    hub.settle();
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  void publish(std::uint32_t from, std::string_view text, ConnectionId except) {
    static_cast<void>(hub.shard(from).publish(name, frame_of(text), nullptr, kNoPublisher, except));
  }

  ManualHub hub;
  std::string name;
  std::deque<FakeMember> members;
};

TEST(ShardExcept, SenderDoesNotGetItsMessage_WhereverItIs) {
  for (const std::uint32_t shards : {1U, 2U, 3U}) {
    for (std::uint32_t sender = 0; sender < shards; ++sender) {
      Scene scene(shards);
      scene.publish(sender, "a", scene.members[sender].id());
      scene.hub.settle();
      for (std::uint32_t i = 0; i < shards; ++i) {
        EXPECT_EQ(scene.members[i].received, i == sender ? Texts{} : Texts{"a"});
      }
    }
  }
}

TEST(ShardExcept, OneBatch_EachSenderMissesOnlyItsOwn) {
  Scene scene(2);
  const ConnectionId near = scene.members[0].id();
  const ConnectionId far = scene.members[1].id();
  scene.publish(0, "all", kNobody);
  scene.publish(0, "not near 1", near);
  scene.publish(0, "not far", far);
  scene.publish(0, "not near 2", near);
  scene.hub.settle();
  EXPECT_EQ(scene.members[0].received, (Texts{"all", "not far"}));
  EXPECT_EQ(scene.members[1].received, (Texts{"all", "not near 1", "not near 2"}));
  EXPECT_EQ(scene.members[0].batches, 1);
  EXPECT_EQ(scene.hub.shard(0).stats().deliveries.value(), 2U);
  EXPECT_EQ(scene.hub.shard(1).stats().deliveries.value(), 3U);
}

TEST(ShardExcept, NextBatch_IsForAllAgain) {
  Scene scene(2);
  scene.publish(0, "a", scene.members[1].id());
  scene.hub.settle();
  scene.publish(0, "b", kNobody);
  scene.hub.settle();
  EXPECT_EQ(scene.members[0].received, (Texts{"a", "b"}));
  EXPECT_EQ(scene.members[1].received, Texts{"b"});
}

TEST(ShardExcept, OtherThread_ExceptsAMember) {
  Scene scene(2);
  EXPECT_EQ(
      scene.hub.hub().publish(scene.name, frame_of("a"), nullptr, nullptr, scene.members[1].id()),
      SendResult::kSent);
  scene.hub.settle();
  EXPECT_EQ(scene.members[0].received, Texts{"a"});
  EXPECT_TRUE(scene.members[1].received.empty());
}

TEST(ShardExcept, ConnectionThatIsNoMember_ChangesNothing) {
  Scene scene(2);
  FakeMember stranger;
  scene.hub.shard(0).add(stranger);
  scene.publish(0, "a", stranger.id());
  scene.hub.settle();
  for (const FakeMember& each : scene.members) EXPECT_EQ(each.received, Texts{"a"});
  scene.hub.shard(0).remove(stranger);
}

TEST(ShardExcept, LaterJoin_ReplaysTheMessage) {
  Scene scene(2);
  scene.publish(1, "a", scene.members[1].id());
  scene.hub.settle();
  scene.hub.shard(1).leave(scene.members[1], scene.name);
  scene.hub.settle();
  scene.hub.shard(1).join(scene.members[1], scene.name, Since::last(10));
  scene.hub.settle();
  EXPECT_EQ(scene.members[1].received, Texts{"a"});
}

// As Scene with two shards, with an engine for each shard.
template <class Engine>
struct EngineScene {
  EngineScene()
      : hub(2, with_history()), engine(hub.shard(0)), other(hub.shard(1)), name(hub.room_at(0)) {
    for (std::uint32_t i = 0; i < 2; ++i) {
      hub.shard(i).add(members[i]);
      hub.shard(i).join(members[i], name);
    }
    hub.settle();
  }
  ~EngineScene() {
    for (std::uint32_t i = 0; i < 2; ++i) hub.shard(i).remove(members[i]);
    hub.settle();
  }
  EngineScene(const EngineScene&) = delete;
  EngineScene& operator=(const EngineScene&) = delete;

  void publish_from(std::uint32_t sender) {
    static_cast<void>(hub.shard(sender).publish(name, frame_of("a"), nullptr, kNoPublisher,
                                                members[sender].id()));
    hub.settle();
  }

  ManualHub hub;
  Engine engine;
  Engine other;
  std::string name;
  std::array<FakeMember, 2> members;
};

TEST(ShardExcept, EngineThatKeepsTheMessage_KeepsTheException) {
  for (const std::uint32_t sender : {0U, 1U}) {
    EngineScene<FakeEngine> scene;
    scene.publish_from(sender);
    EXPECT_TRUE(scene.members[1 - sender].received.empty());
    scene.engine.keep_all();
    scene.hub.settle();
    EXPECT_EQ(scene.members[1 - sender].received, Texts{"a"});
    EXPECT_TRUE(scene.members[sender].received.empty());
  }
}

TEST(ShardExcept, OrderEngine_KeepsTheException) {
  for (const std::uint32_t sender : {0U, 1U}) {
    EngineScene<FakeOrderEngine> scene;
    scene.engine.begin({7, 0});
    scene.hub.settle();
    scene.publish_from(sender);
    scene.engine.place({7, 1});
    scene.engine.arrive({7, 2}, "of another node");
    scene.hub.settle();
    EXPECT_EQ(scene.members[1 - sender].received, (Texts{"a", "of another node"}));
    EXPECT_EQ(scene.members[sender].received, Texts{"of another node"});
  }
}

}  // namespace
}  // namespace wsd::hub
