// Rooms whose messages an engine must keep before they take effect.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_engine.h"
#include "hub/fake_member.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr HistoryLimits kRoomy{1000, std::size_t{1} << 20, 1000, std::size_t{1} << 30};

class Receipt final : public RoomStateCallback {
 public:
  explicit Receipt(std::function<void(const RoomState&)> call) : call_(std::move(call)) {}
  void run(const RoomState& state) noexcept override { call_(state); }

 private:
  std::function<void(const RoomState&)> call_;
};

class Removed final : public RemovalCallback {
 public:
  explicit Removed(std::vector<std::optional<std::size_t>>& told) : told_(told) {}
  void run(std::optional<std::size_t> removed) noexcept override { told_.push_back(removed); }

 private:
  std::vector<std::optional<std::size_t>>& told_;
};

// Encoding 1 has a gap notice.
class GapEncoder final : public Encoder {
 public:
  SharedBytes encode(const SharedBytes& plain, Encoding, const Position& position) override {
    return frame_of(std::to_string(position.seq) + "=" + std::string(as_text(plain.bytes())));
  }
  SharedBytes gap_notice(Encoding, const Position& position) override {
    return frame_of("gap " + std::to_string(position.seq));
  }
};

// A room with its home on shard 0 of two, and an engine for each shard.
class KeptRoom {
 public:
  explicit KeptRoom(bool refusing = false, const HistoryLimits& limits = kRoomy)
      : hub(2, 65'536, limits),
        engine(hub.shard(0), refusing),
        other_engine(hub.shard(1), refusing) {
    for (std::uint32_t i = 0; i < 2; ++i) hub.shard(i).set_encoder(&encoder);
    name = hub.room_at(0);
  }
  ~KeptRoom() {
    engine.keep_all();
    hub.settle();
    for (auto& [member, shard] : members_) hub.shard(shard).remove(*member);
    hub.settle();
    EXPECT_EQ(hub.shard(0).publish_gate().queued(), 0U);
  }

  FakeMember& join(std::uint32_t shard, const Since& since = {}, Encoding encoding = kIdentity) {
    members_.emplace_back(std::make_unique<FakeMember>(), shard);
    FakeMember& member = *members_.back().first;
    member.set_encoding(encoding);
    hub.shard(shard).add(member);
    hub.shard(shard).join(member, name, since);
    return member;
  }
  void publish(const std::string& text, std::uint32_t shard = 0,
               ConnectionId publisher = kNoPublisher) {
    hub.shard(shard).publish(
        name, frame_of(text),
        std::make_unique<Receipt>([this](const RoomState& state) { told.push_back(state.last); }),
        publisher);
  }
  [[nodiscard]] std::vector<std::uint64_t> told_numbers() const {
    std::vector<std::uint64_t> numbers;
    for (const Position& each : told) numbers.push_back(each.seq);
    return numbers;
  }

  GapEncoder encoder;
  ManualHub hub;
  FakeEngine engine;
  FakeEngine other_engine;
  std::string name;
  std::vector<Position> told;

 private:
  std::vector<std::pair<std::unique_ptr<FakeMember>, std::uint32_t>> members_;
};

TEST(ShardEngine, MessageTakesEffectOnceItIsKept) {
  KeptRoom room;
  FakeMember& here = room.join(0);
  FakeMember& there = room.join(1);
  room.hub.settle();
  room.publish("a", 0);
  room.publish("b", 1);
  room.hub.settle();
  EXPECT_EQ(room.engine.taken.size(), 2U);
  EXPECT_TRUE(here.received.empty());
  EXPECT_TRUE(there.received.empty());
  EXPECT_TRUE(room.told.empty());
  room.engine.keep(1);
  room.hub.settle();
  EXPECT_EQ(here.received, (Texts{"a"}));
  EXPECT_EQ(there.received, (Texts{"a"}));
  EXPECT_EQ(room.told, (std::vector<Position>{room.engine.positions[0]}));
  room.engine.keep(2);
  room.hub.settle();
  EXPECT_EQ(there.received, (Texts{"a", "b"}));
  EXPECT_EQ(room.told, room.engine.positions);
}

TEST(ShardEngine, RoomWithoutHistory_TakesTheOldWay) {
  KeptRoom room(false, HistoryLimits{});
  FakeMember& member = room.join(0);
  room.publish("a");
  room.publish("b", 1);
  room.hub.settle();
  EXPECT_EQ(member.received, (Texts{"a", "b"}));
  EXPECT_TRUE(room.engine.taken.empty());
}

TEST(ShardEngine, CallsKeepTheirOrder) {
  KeptRoom room;
  FakeMember& stays = room.join(0);
  FakeMember& leaves = room.join(1);
  room.hub.settle();
  room.publish("1");
  FakeMember& late = room.join(0);
  room.publish("2");
  room.hub.shard(1).leave(leaves, room.name);
  room.hub.settle();  // the leave is behind "2"
  room.publish("3");
  room.hub.settle();
  EXPECT_EQ(room.engine.taken.size(), 3U) << "publishes do not wait for the joins before them";
  room.engine.keep_all();
  room.hub.settle();
  EXPECT_EQ(stays.received, (Texts{"1", "2", "3"}));
  EXPECT_EQ(late.received, (Texts{"2", "3"})) << "it joined after the first publish";
  EXPECT_EQ(leaves.received, (Texts{"1", "2"})) << "it left before the last publish";
}

TEST(ShardEngine, JoinerGetsOnlyWhatIsKept_AndTheRestLive) {
  KeptRoom room;
  room.publish("1");
  room.publish("2");
  room.hub.settle();
  room.engine.keep(1);
  room.hub.settle();
  FakeMember& late = room.join(1, Since::last(10));
  room.hub.settle();
  EXPECT_TRUE(late.received.empty()) << "the join waits for the message that was published before";
  room.engine.keep(2);
  room.hub.settle();
  EXPECT_EQ(late.received, (Texts{"1", "2"}));
}

TEST(ShardEngine, ReceiptThatPublishes_GetsTheNextPosition) {
  KeptRoom room;
  room.hub.shard(0).publish(
      room.name, frame_of("1"),
      std::make_unique<Receipt>([&](const RoomState&) { room.publish("2"); }));
  room.hub.settle();
  room.engine.keep(1);
  room.hub.settle();
  room.engine.keep(2);
  room.hub.settle();
  ASSERT_EQ(room.engine.positions.size(), 2U);
  EXPECT_EQ(room.engine.positions[1].seq, 2U);
  EXPECT_EQ(room.told_numbers(), (std::vector<std::uint64_t>{2}));
}

TEST(ShardEngine, OldestIsThatOfTheHistory) {
  KeptRoom room(false, {2, std::size_t{1} << 20, 1000, std::size_t{1} << 30});
  for (int i = 1; i <= 4; ++i) {
    room.publish(std::to_string(i));
    room.hub.settle();
    room.engine.keep_all();
    room.hub.settle();
  }
  EXPECT_EQ(room.engine.oldests, (std::vector<std::uint64_t>{1, 1, 1, 2}));
}

TEST(ShardEngine, Lost_LiveGoesOnInANewEpochThatIsNotTheEngines) {
  KeptRoom room;
  FakeMember& plain = room.join(1);
  FakeMember& knows_gaps = room.join(0, {}, 1);
  room.hub.settle();
  room.publish("1");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  const Position kept = room.told.back();
  room.publish("2");
  room.hub.settle();
  room.engine.lose(1);
  room.hub.settle();
  const Position unkept = room.told.back();
  EXPECT_EQ(unkept.seq, 2U);
  EXPECT_NE(unkept.epoch, kept.epoch);
  room.publish("3");
  room.hub.settle();
  room.engine.lose(1);  // the answer for "3": the engine still fails
  room.hub.settle();
  EXPECT_EQ(room.told.back(), (Position{unkept.epoch, 3}));
  room.publish("4");
  room.hub.settle();
  room.engine.lose(2);  // the engine keeps again, but "4" was of the former term
  room.hub.settle();
  EXPECT_EQ(room.told.back(), (Position{unkept.epoch, 4}));
  room.publish("5");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  const Position again = room.told.back();
  EXPECT_EQ(again.seq, 5U);
  EXPECT_NE(again.epoch, unkept.epoch);
  EXPECT_NE(again.epoch, kept.epoch);
  EXPECT_EQ(room.engine.positions.back(), again);
  EXPECT_EQ(room.engine.froms.back(), 0U) << "messages 2 to 4 are missing in what is kept";
  EXPECT_EQ(plain.received, (Texts{"1", "2", "3", "4", "5"}));
  EXPECT_EQ(knows_gaps.received, (Texts{"1=1", "gap 1", "2=2", "3=3", "4=4", "gap 4", "5=5"}));
}

TEST(ShardEngine, LostAndKeepingAgainAtOnce_TheUnkeptMessagesHaveAnEpochOfTheirOwn) {
  KeptRoom room;
  room.publish("1");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  room.publish("2");
  room.publish("3");
  room.hub.settle();
  room.engine.lose(2);
  room.hub.settle();
  room.publish("4");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  EXPECT_EQ(room.told_numbers(), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_NE(room.told[1].epoch, room.told[0].epoch);
  EXPECT_EQ(room.told[2].epoch, room.told[1].epoch);
  EXPECT_NE(room.told[3].epoch, room.told[2].epoch);
}

TEST(ShardEngine, Lost_OnlyWhatIsNotKeptHasAnotherEpoch) {
  KeptRoom room;
  for (const char* text : {"1", "2", "3"}) room.publish(text);
  room.hub.settle();
  room.engine.keep(2);
  room.engine.lose(1);
  room.hub.settle();
  EXPECT_EQ(room.told[0], room.engine.positions[0]);
  EXPECT_EQ(room.told[1], room.engine.positions[1]);
  EXPECT_NE(room.told[2], room.engine.positions[2]);
}

TEST(ShardEngine, Refusing_WhatIsNotKeptReachesNobody) {
  KeptRoom room(true);
  FakeMember& member = room.join(0, {}, 1);
  FakeMember& publisher = room.join(1);
  room.hub.settle();
  room.publish("1");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  room.publish("2", 1, publisher.id());
  FakeMember& late = room.join(0, Since::last(10));
  room.hub.settle();
  room.engine.lose(1);
  room.hub.settle();
  EXPECT_EQ(room.told.back(), kRefusedPosition);
  EXPECT_EQ(publisher.close_cause, CloseCause::kPublishRefused);
  EXPECT_EQ(publisher.close_code, CloseCode::kTryAgainLater);
  EXPECT_EQ(room.hub.shard(0).stats().refused.value(), 1U);
  EXPECT_EQ(late.received, (Texts{"1"})) << "the join waits no longer";
  room.publish("3");
  room.hub.settle();
  room.engine.lose(2);
  room.hub.settle();
  EXPECT_EQ(room.told.back(), kRefusedPosition);
  room.publish("4");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  EXPECT_EQ(room.told.back(), room.engine.positions.back());
  EXPECT_EQ(room.told.back().seq, 2U);
  EXPECT_NE(room.told.back().epoch, room.told.front().epoch)
      << "the engine may have kept a refused message with this number";
  EXPECT_EQ(room.engine.froms.back(), 1U);
  EXPECT_EQ(member.received, (Texts{"1=1", "gap 1", "2=4"}));
}

TEST(ShardEngine, Removal_IsKeptBeforeItIsAnswered) {
  KeptRoom room;
  std::vector<std::optional<std::size_t>> told;
  for (const char* text : {"1", "2", "3"}) room.publish(text);
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  EXPECT_EQ(room.hub.hub().remove(room.name, room.told[1], std::make_unique<Removed>(told)),
            SendResult::kSent);
  EXPECT_EQ(room.hub.hub().publish(room.name, frame_of("4")), SendResult::kSent);
  EXPECT_EQ(room.hub.hub().remove(room.name, std::nullopt, std::make_unique<Removed>(told)),
            SendResult::kSent);
  room.hub.settle();
  EXPECT_EQ(room.engine.taken[3], "remove 2");
  EXPECT_EQ(room.engine.taken[5], "remove up to 4");
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(room.join(1, Since::last(9)).received, Texts{});
  room.engine.keep(5);
  room.hub.settle();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], 1U);
  room.engine.lose(1);
  room.hub.settle();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[1], std::nullopt);
  EXPECT_EQ(room.join(0, Since::last(9)).received, (Texts{"1", "3", "4"}))
      << "a removal that is not kept has no effect";
}

TEST(ShardEngine, RemovalOfAPositionThatWasNotGiven_IsNotHandedOver) {
  KeptRoom room;
  std::vector<std::optional<std::size_t>> told;
  room.publish("1");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  const Position next{room.told[0].epoch, 2};
  EXPECT_EQ(room.hub.hub().remove(room.name, next, std::make_unique<Removed>(told)),
            SendResult::kSent);
  room.hub.settle();
  EXPECT_EQ(told, (std::vector<std::optional<std::size_t>>{0}));
  EXPECT_EQ(room.engine.taken.size(), 1U);
}

TEST(ShardEngine, RoomThatComesBackWhileTheEngineFails_HasANewEpoch) {
  KeptRoom room(false, {1000, std::size_t{1} << 20, 5, std::size_t{1} << 30});
  room.publish("1");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  room.hub.advance(100);
  room.hub.settle();
  ASSERT_EQ(room.hub.shard(0).home_count(), 0U);
  room.engine.lose(1);
  room.publish("2");
  room.hub.settle();
  room.engine.lose(1);
  room.hub.settle();
  ASSERT_EQ(room.told.size(), 2U);
  EXPECT_EQ(room.told[1].seq, 2U);
  EXPECT_NE(room.told[1].epoch, room.told[0].epoch);
}

TEST(ShardEngine, RoomWithoutUnkeptMessages_KeepsItsHistoryOverAFailure) {
  KeptRoom room;
  room.publish("1");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  room.engine.lose(1);
  room.engine.lose(2);
  room.publish("2");
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  EXPECT_NE(room.told[1].epoch, room.told[0].epoch);
  EXPECT_EQ(room.engine.froms.back(), 1U) << "message 1 is still part of the history";
}

TEST(ShardEngine, OutOfMemory_ChangesNothing) {
  KeptRoom room;
  room.engine.out_of_memory = true;
  EXPECT_THROW(room.publish("1"), std::bad_alloc);
  room.hub.settle();
  EXPECT_EQ(room.hub.shard(0).home_count(), 0U);
  room.publish("2", 1);
  room.hub.shard(0).drain();
  EXPECT_TRUE(room.hub.shard(0).retry_needed());
  room.engine.out_of_memory = false;
  room.hub.settle();
  room.engine.keep_all();
  room.hub.settle();
  EXPECT_EQ(room.told_numbers(), (std::vector<std::uint64_t>{1}));
}

TEST(ShardEngine, RoomDoesNotEndWhileItsMessagesAreWithTheEngine) {
  KeptRoom room(false, {1000, std::size_t{1} << 20, 5, std::size_t{1} << 30});
  room.publish("1");
  room.hub.settle();
  room.hub.advance(100);
  room.hub.settle();
  EXPECT_EQ(room.hub.shard(0).home_count(), 1U);
  EXPECT_TRUE(room.engine.closed.empty());
  room.engine.keep_all();
  room.hub.settle();
  room.hub.advance(200);
  room.hub.settle();
  EXPECT_EQ(room.hub.shard(0).home_count(), 0U);
  EXPECT_EQ(room.engine.closed, (Texts{room.name}));
}

TEST(ShardEngine, RestoredRoom_GoesOnAfterItsLastPosition) {
  KeptRoom room;
  room.hub.advance(1001);
  const std::vector<RestoredMessage> messages = {
      {frame_of("old"), 1}, {frame_of("2"), 999}, {SharedBytes(), 999}, {frame_of("4"), 1000}};
  RoomHome* const home = room.hub.shard(0).restore(room.name, {77, 4}, messages);
  ASSERT_NE(home, nullptr);
  EXPECT_EQ(home->history()->ring.size(), 3U) << "the first message is too old";
  EXPECT_EQ(room.join(0, Since::after({77, 1})).received, (Texts{"2", "4"}));
  room.publish("5");
  room.hub.settle();
  EXPECT_EQ(room.engine.positions, (std::vector<Position>{{77, 5}}));
  EXPECT_EQ(room.engine.oldests, (std::vector<std::uint64_t>{2}));
}

TEST(ShardEngine, RestoredRoomWhoseMessagesAreTooOld_KeepsItsPosition) {
  KeptRoom room;
  room.hub.advance(5000);
  EXPECT_EQ(room.hub.shard(0).restore(room.name, {77, 4},
                                      std::vector<RestoredMessage>{{frame_of("4"), 1}}),
            nullptr);
  EXPECT_EQ(room.hub.shard(0).home_count(), 0U);
  room.publish("5");
  room.hub.settle();
  EXPECT_EQ(room.engine.positions, (std::vector<Position>{{77, 5}}));
}

TEST(ShardEngine, BlockedTarget_DelaysTheNewEpochAndNotTheLog) {
  KeptRoom room;
  FakeMember& there = room.join(1, {}, 1);
  room.hub.settle();
  room.publish("1");
  room.hub.settle();
  room.engine.keep_all();
  // The delivery gate of shard 1 closes, and its mail is not handled.
  room.hub.shard(0).drain();
  while (room.hub.shard(1).deliver_gate().try_enter(1'000'000'000)) {
  }
  const std::uint64_t filled = room.hub.shard(1).deliver_gate().queued();
  room.hub.shard(0).fan_out();
  room.publish("2");
  room.hub.shard(0).fan_out();
  room.engine.lose(1);
  room.hub.shard(0).drain();
  room.hub.shard(0).fan_out();
  EXPECT_EQ(room.told.size(), 1U) << "the gap notice cannot be sent yet";
  EXPECT_GE(room.hub.shard(1).deliver_gate().queued(), filled);
  for (std::uint64_t left = filled; left != 0;) {
    const std::uint64_t part = std::min<std::uint64_t>(left, 1'000'000'000);
    for (std::uint64_t waiters = room.hub.shard(1).deliver_gate().leave(part); waiters != 0;
         waiters &= waiters - 1) {
      room.hub.shard(0).post(mail_of(ResumeMail{GateKind::kDeliver, 1}));
    }
    left -= part;
  }
  room.hub.settle();
  EXPECT_EQ(there.received, (Texts{"1=1", "gap 1", "2=2"}));
  EXPECT_EQ(room.told.size(), 2U);
}

}  // namespace
}  // namespace wsd::hub
