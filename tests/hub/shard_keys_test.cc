// Messages with a key, which their publisher may repeat: alone, with a log, and with an order
// engine.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hub/fake_engine.h"
#include "hub/fake_member.h"
#include "hub/fake_order_engine.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;
using Positions = std::vector<Position>;

constexpr HistoryLimits kRoomy{1000, std::size_t{1} << 20, 1000, std::size_t{1} << 30};

class Receipt final : public RoomStateCallback {
 public:
  explicit Receipt(std::function<void(const Position&)> call) : call_(std::move(call)) {}
  void run(const RoomState& state) noexcept override { call_(state.last); }

 private:
  std::function<void(const Position&)> call_;
};

// A room with its home on shard 0 of two, and one member there.
class KeyedRoom {
 public:
  explicit KeyedRoom(const HistoryLimits& limits) : hub(2, 65'536, limits), name(hub.room_at(0)) {
    hub.advance(1);
  }
  ~KeyedRoom() {
    hub.settle();
    if (joined_) hub.shard(0).remove(member);
    hub.settle();
    EXPECT_EQ(hub.shard(0).publish_gate().queued(), 0U);
  }
  void join() {
    joined_ = true;
    hub.shard(0).add(member);
    hub.shard(0).join(member, name);
    hub.settle();
  }
  void leave() {
    joined_ = false;
    hub.shard(0).remove(member);
    hub.settle();
  }
  void publish(const std::string& text, const std::string& key, std::uint32_t shard = 0) {
    const std::uint64_t fingerprint = fingerprint_of(MessageType::kText, text);
    hub.shard(shard).publish_once(
        name, frame_of(text), std::make_unique<PublishKey>(PublishKey{key, fingerprint, {}}),
        std::make_unique<Receipt>([this](const Position& position) { told.push_back(position); }));
  }
  // Gives a shard an engine, which lives as long as the room. The home is shard 0.
  template <class Engine, class... Arguments>
  Engine& with(std::uint32_t shard, Arguments... arguments) {
    auto made = std::make_shared<Engine>(hub.shard(shard), arguments...);
    engines_.push_back(made);
    return *made;
  }
  Positions settled() {
    hub.settle();
    return std::exchange(told, {});
  }

  ManualHub hub;
  std::string name;
  FakeMember member;
  Positions told;

 private:
  std::vector<std::shared_ptr<void>> engines_;
  bool joined_ = false;
};

TEST(ShardKeys, SameKeyAndMessage_IsPublishedOnce_FromAnyShard) {
  KeyedRoom room({});
  room.join();
  room.publish("a", "k");
  const Positions first = room.settled();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].seq, 1U);
  room.publish("a", "k");
  room.publish("a", "k", 1);
  EXPECT_EQ(room.settled(), (Positions{first[0], first[0]}));
  room.publish("a", "other", 1);
  EXPECT_EQ(room.settled(), (Positions{{first[0].epoch, 2}}));
  EXPECT_EQ(room.member.received, (Texts{"a", "a"}));
}

TEST(ShardKeys, SameKeyAndAnotherMessage_IsNotPublished) {
  KeyedRoom room({});
  room.join();
  room.publish("a", "k");
  room.publish("b", "k");
  room.publish("b", "k", 1);
  const Positions told = room.settled();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[1], kKeyUsedPosition);
  EXPECT_EQ(told[2], kKeyUsedPosition);
  EXPECT_EQ(room.member.received, (Texts{"a"}));
}

TEST(ShardKeys, AfterFiveMinutes_TheKeyIsNew) {
  KeyedRoom room({});
  room.join();
  room.publish("a", "k");
  room.hub.advance(1 + ticks_for_ms(kPublishKeyMs));
  room.publish("a", "k");
  EXPECT_EQ(room.settled().back().seq, 2U);
  EXPECT_EQ(room.member.received, (Texts{"a", "a"}));
}

TEST(ShardKeys, DiscardedMessage_IsAnsweredAlike) {
  KeyedRoom room({});
  room.publish("a", "k");
  room.publish("a", "k", 1);
  room.publish("b", "k", 1);
  EXPECT_EQ(room.settled(), (Positions{{}, {}, kKeyUsedPosition}));
}

TEST(ShardKeys, WithALog_RepeatWaitsForTheFirst) {
  KeyedRoom room(kRoomy);
  auto& engine = room.with<FakeEngine>(0);
  room.join();
  room.publish("a", "k");
  room.publish("a", "k", 1);
  room.publish("b", "k");
  room.publish("c", "other");
  room.hub.settle();
  ASSERT_EQ(engine.taken.size(), 2U) << "the log gets each message once";
  EXPECT_EQ(engine.positions[1].seq, 2U) << "a repeat takes no position";
  EXPECT_TRUE(room.told.empty());
  engine.keep_all();
  const Positions told = room.settled();
  EXPECT_EQ(told, (Positions{engine.positions[0], kKeyUsedPosition, engine.positions[1],
                             engine.positions[0]}));
  room.publish("a", "k");
  EXPECT_EQ(room.settled(), (Positions{engine.positions[0]}));
  EXPECT_EQ(room.member.received, (Texts{"a", "c"}));
}

TEST(ShardKeys, WithALogThatRefuses_TheRepeatIsRefusedToo_AndTheKeyIsFree) {
  KeyedRoom room(kRoomy);
  auto& engine = room.with<FakeEngine>(0, true);
  room.join();
  room.publish("a", "k");
  room.publish("a", "k");
  engine.lose(1);
  EXPECT_EQ(room.settled(), (Positions{kRefusedPosition, kRefusedPosition}));
  engine.lose(2);
  room.publish("a", "k");
  engine.keep_all();
  EXPECT_EQ(room.settled(), (Positions{engine.positions.back()}));
  EXPECT_EQ(room.member.received, (Texts{"a"}));
}

TEST(ShardKeys, WithALogThatLosesAndGoesOn_TheKeyHasTheNewPosition) {
  KeyedRoom room(kRoomy);
  auto& engine = room.with<FakeEngine>(0);
  room.join();
  room.publish("a", "k");
  room.publish("a", "k");
  engine.lose(1);
  const Positions told = room.settled();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0], told[1]);
  EXPECT_NE(told[0].epoch, engine.positions[0].epoch);
  EXPECT_EQ(room.member.received, (Texts{"a"}));
}

TEST(ShardKeys, WithALog_WithoutMemoryAtTheEngine_TheKeyStaysFree) {
  KeyedRoom room(kRoomy);
  auto& engine = room.with<FakeEngine>(0);
  room.join();
  engine.out_of_memory = true;
  EXPECT_THROW(room.publish("a", "k"), std::bad_alloc);
  engine.out_of_memory = false;
  room.publish("a", "k");
  engine.keep_all();
  EXPECT_EQ(room.settled(), engine.positions);
  EXPECT_EQ(engine.positions.size(), 1U);
}

TEST(ShardKeys, OrderEngine_GetsTheKey_AndAnswersInOrder) {
  KeyedRoom room(kRoomy);
  auto& engine = room.with<FakeOrderEngine>(0);
  room.with<FakeOrderEngine>(1);
  room.join();
  engine.begin({7, 4});
  room.publish("a", "k1");
  room.publish("b", "k2");
  room.publish("c", "k3");
  room.hub.settle();
  ASSERT_EQ(engine.taken.size(), 3U);
  EXPECT_EQ(engine.taken[0].key, "k1");
  engine.repeat({6, 9});
  EXPECT_EQ(room.settled(), (Positions{{6, 9}})) << "a position of an earlier epoch";
  engine.fail(PublishFailure::kKeyUsed);
  engine.place({7, 5});
  EXPECT_EQ(room.settled(), (Positions{kKeyUsedPosition, {7, 5}}));
  EXPECT_EQ(room.member.received, (Texts{"c"}));
  room.leave();
  engine.sink.closed(*engine.room, false);
}

}  // namespace
}  // namespace wsd::hub
