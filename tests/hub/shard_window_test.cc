// Rooms with a delivery window: when their messages leave, and what ends the window early.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kWindowMs = 5;

Shard::Options options(std::uint64_t window_ms = kWindowMs) {
  Shard::Options made;
  made.window_ns = window_ms * kMs;
  made.history = {100, 1 << 20, 1'000'000, 1 << 20};
  return made;
}

// Two members on different shards, where there are two, in a room whose home is shard 0.
struct Scene {
  explicit Scene(std::uint32_t shards, const Shard::Options& settings = options())
      : hub(shards, settings), name(hub.room_at(0)), other(hub.shard(shards - 1)) {
    at(0);
    home.add(near);
    other.add(far);
    home.join(near, name);
    other.join(far, name);
    hub.settle();
  }
  ~Scene() {
    home.remove(near);
    other.remove(far);
    at(1'000'000);
    hub.settle();
    for (std::uint32_t i = 0; i < hub.size(); ++i) {
      EXPECT_EQ(hub.shard(i).room_count(), 0U);
      for (const auto gate : {GateKind::kRequest, GateKind::kPublish, GateKind::kDeliver}) {
        EXPECT_EQ(hub.shard(i).gate(gate).queued(), 0U);
      }
    }
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  // Begins a turn of all shards at this time. Histories do not age.
  void at(std::uint64_t ms) {
    for (std::uint32_t i = 0; i < hub.size(); ++i) hub.shard(i).begin_turn(1, ms * kMs);
  }
  void settle_at(std::uint64_t ms) {
    at(ms);
    hub.settle();
  }
  void publish(std::string_view text) {
    static_cast<void>(home.publish(name, frame_of(text)));
    hub.settle();
  }

  ManualHub hub;
  std::string name;
  Shard& home = hub.shard(0);
  Shard& other;
  FakeMember near;
  FakeMember far;
};

TEST(ShardWindow, MessagesWithinTheWindow_LeaveTogether) {
  for (const std::uint32_t shards : {1U, 2U}) {
    Scene scene(shards);
    scene.settle_at(10);
    scene.publish("a");
    scene.settle_at(14);
    scene.publish("b");
    EXPECT_TRUE(scene.near.received.empty() && scene.far.received.empty());
    EXPECT_FALSE(scene.home.has_pending()) << "the reactor may sleep";
    EXPECT_EQ(scene.home.next_window_end_ns(), 15 * kMs) << "from the first message on";
    scene.settle_at(15);
    EXPECT_EQ(scene.near.received, (Texts{"a", "b"}));
    EXPECT_EQ(scene.far.received, (Texts{"a", "b"}));
    EXPECT_EQ(scene.near.batches, 1);
    EXPECT_EQ(scene.far.batches, 1);
    EXPECT_EQ(scene.home.next_window_end_ns(), DeliveryWindows::kNever);
  }
}

TEST(ShardWindow, RoomRule_HasItsOwnWindow) {
  Shard::Options settings = options(0);
  settings.rooms = {{"room-0-*", {{}, {}, 2 * kMs}}};
  Scene scene(1, settings);
  const std::string at_once = scene.hub.room_at(0, 1);
  scene.home.join(scene.near, at_once);
  static_cast<void>(scene.home.publish(at_once, frame_of("now")));
  scene.publish("later");
  EXPECT_EQ(scene.near.received, Texts{"now"});
  scene.settle_at(2);
  EXPECT_EQ(scene.near.received, (Texts{"now", "later"}));
}

TEST(ShardWindow, ReceiptAndHistory_DoNotWait) {
  class Receipt final : public RoomStateCallback {
   public:
    explicit Receipt(std::uint64_t& seq) : seq_(seq) {}
    void run(const RoomState& state) noexcept override { seq_ = state.last.seq; }

   private:
    std::uint64_t& seq_;
  };
  Scene scene(2);
  std::uint64_t seq = 0;
  static_cast<void>(scene.home.publish(scene.name, frame_of("a"), std::make_unique<Receipt>(seq)));
  scene.hub.settle();
  EXPECT_EQ(seq, 1U);
  FakeMember late;
  scene.home.add(late);
  scene.home.join(late, scene.name, Since::last(10));
  EXPECT_EQ(late.received, Texts{"a"});
  scene.home.remove(late);
}

TEST(ShardWindow, DirectMessage_DoesNotWait) {
  Scene scene(2);
  scene.publish("room");
  static_cast<void>(scene.hub.hub().send(scene.far.id(), frame_of("direct")));
  scene.hub.settle();
  EXPECT_EQ(scene.far.received, Texts{"direct"});
}

TEST(ShardWindow, Join_EndsTheWindowBeforeIt) {
  for (const std::uint32_t shards : {1U, 2U}) {
    Scene scene(shards);
    scene.publish("before");
    FakeMember joiner;
    scene.other.add(joiner);
    scene.other.join(joiner, scene.name);
    scene.hub.settle();
    EXPECT_EQ(scene.near.received, Texts{"before"});
    scene.settle_at(3);
    scene.publish("after");
    scene.settle_at(7);
    EXPECT_EQ(scene.near.received, Texts{"before"}) << "a window of its own has begun";
    scene.settle_at(8);
    EXPECT_EQ(scene.near.received, (Texts{"before", "after"}));
    EXPECT_EQ(joiner.received, Texts{"after"});
    scene.other.remove(joiner);
  }
}

TEST(ShardWindow, MessageInTheTurnOfAJoin_WaitsForItsOwnWindow) {
  Scene scene(1);
  static_cast<void>(scene.home.publish(scene.name, frame_of("before")));
  FakeMember joiner;
  scene.home.add(joiner);
  scene.home.join(joiner, scene.name);
  scene.publish("after");
  EXPECT_EQ(scene.near.received, Texts{"before"});
  scene.settle_at(kWindowMs);
  EXPECT_EQ(scene.near.received, (Texts{"before", "after"}));
  scene.home.remove(joiner);
}

TEST(ShardWindow, Leave_DeliversWhatPrecedesIt) {
  for (const std::uint32_t shards : {1U, 2U}) {
    Scene scene(shards);
    scene.publish("before");
    scene.other.leave(scene.far, scene.name);
    scene.hub.settle();
    scene.publish("after");
    scene.settle_at(20);
    EXPECT_EQ(scene.far.received, Texts{"before"});
    EXPECT_EQ(scene.near.received, (Texts{"before", "after"}));
  }
}

TEST(ShardWindow, LastMemberEnds_TheRoomEndsWithItsWindow) {
  Shard::Options settings = options();
  settings.history = {};
  Scene scene(1, settings);
  scene.publish("lost");
  scene.home.leave_all(scene.near);
  scene.other.leave_all(scene.far);
  EXPECT_EQ(scene.home.home_count(), 1U) << "its messages are still counted";
  scene.settle_at(kWindowMs);
  EXPECT_EQ(scene.home.home_count(), 0U);
  EXPECT_TRUE(scene.near.received.empty());
}

TEST(ShardWindow, FullWindow_EndsEarly) {
  Scene scene(2);
  const std::string large(DeliveryWindows::kMostBytes / 2, 'x');
  scene.publish(large);
  EXPECT_TRUE(scene.far.received.empty());
  scene.publish(large);
  EXPECT_EQ(scene.far.received.size(), 2U);
}

TEST(ShardWindow, WaitingMessages_CountAtThePublishGate) {
  for (const std::uint32_t shards : {1U, 2U}) {
    Shard::Options settings = options();
    settings.max_pending_publishes = 2;
    Scene scene(shards, settings);
    EXPECT_EQ(scene.home.publish(scene.name, frame_of("a")), PublishOutcome::kAccepted);
    scene.hub.settle();
    EXPECT_NE(scene.home.publish_gate().queued(), 0U);
    EXPECT_EQ(scene.home.publish(scene.name, frame_of("b")), PublishOutcome::kAccepted);
    EXPECT_EQ(scene.home.publish(scene.name, frame_of("c")), PublishOutcome::kCongested);
    EXPECT_EQ(scene.hub.hub().publish(scene.name, frame_of("d")), SendResult::kCongested);
    scene.at(kWindowMs);
    scene.home.fan_out();
    EXPECT_TRUE(scene.home.take_resumed()) << "the publishers are read again";
    scene.hub.settle();
    EXPECT_EQ(scene.far.received, (Texts{"a", "b", "c"}));
    EXPECT_EQ(scene.home.publish_gate().queued(), 0U);
  }
}

TEST(ShardWindow, CloseWindows_SendsWhatWaits) {
  Scene scene(2);
  scene.publish("a");
  scene.home.close_windows();
  EXPECT_TRUE(scene.home.has_pending());
  scene.hub.settle();
  EXPECT_EQ(scene.far.received, Texts{"a"});
  scene.publish("b");
  EXPECT_EQ(scene.far.received, (Texts{"a", "b"}));
}

}  // namespace
}  // namespace wsd::hub
