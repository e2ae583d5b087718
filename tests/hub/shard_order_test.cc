// Rooms whose messages an order engine orders, for several nodes.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_member.h"
#include "hub/fake_order_engine.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr HistoryLimits kRoomy{1000, std::size_t{1} << 20, 1000, std::size_t{1} << 30};
constexpr std::uint64_t kEpoch = 7;

class Receipt final : public RoomStateCallback {
 public:
  explicit Receipt(std::function<void(const RoomState&)> call) : call_(std::move(call)) {}
  void run(const RoomState& state) noexcept override { call_(state); }

 private:
  std::function<void(const RoomState&)> call_;
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

// A room with its home on shard 0 of two, and an order engine for each shard.
class OrderedRoom {
 public:
  explicit OrderedRoom(const HistoryLimits& limits = kRoomy, std::uint32_t max_pending = 65'536,
                       std::uint32_t max_rooms = 0)
      : hub(2, Shard::Options{max_pending, 1, 0, max_rooms, limits}),
        engine(hub.shard(0)),
        other_engine(hub.shard(1)) {
    for (std::uint32_t i = 0; i < 2; ++i) hub.shard(i).set_encoder(&encoder);
    name = hub.room_at(0);
  }
  ~OrderedRoom() {
    while (!engine.taken.empty()) engine.fail(PublishFailure::kRefused);
    hub.settle();
    for (auto& [member, shard] : members_) hub.shard(shard).remove(*member);
    hub.settle();
    if (engine.room != nullptr && hub.shard(0).home_count() != 0) {
      EXPECT_TRUE(engine.unwanted_now);
      engine.sink.closed(*engine.room, false);
    }
    hub.settle();
    EXPECT_EQ(hub.shard(0).home_count(), 0U);
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
  // Opens the room with these messages, the last of them at `seq`.
  void open(std::uint64_t seq, const Texts& texts = {}) {
    hub.settle();
    engine.begin({kEpoch, seq}, texts);
    hub.settle();
  }
  void place(std::uint64_t seq, std::uint64_t epoch = kEpoch) {
    engine.place({epoch, seq});
    hub.settle();
  }
  void arrive(std::uint64_t seq, const std::string& text, std::uint64_t epoch = kEpoch) {
    engine.arrive({epoch, seq}, text);
    hub.settle();
  }

  GapEncoder encoder;
  ManualHub hub;
  FakeOrderEngine engine;
  FakeOrderEngine other_engine;
  std::string name;
  std::vector<Position> told;

 private:
  std::vector<std::pair<std::unique_ptr<FakeMember>, std::uint32_t>> members_;
};

TEST(ShardOrder, JoinWaitsUntilTheRoomIsOpen_AndGetsWhatItKeeps) {
  OrderedRoom room;
  FakeMember& member = room.join(1, Since::last(10));
  room.hub.settle();
  EXPECT_FALSE(member.is_in(room.name));
  EXPECT_EQ(room.engine.opens > 0, true);
  room.open(5, {"4", "5"});
  EXPECT_TRUE(member.is_in(room.name));
  EXPECT_EQ(member.received, (Texts{"4", "5"}));
}

TEST(ShardOrder, MessagesTakeEffectInTheOrderOfTheEngine) {
  OrderedRoom room;
  FakeMember& here = room.join(0);
  FakeMember& there = room.join(1);
  room.open(0);
  room.publish("a", 0);
  room.publish("b", 1);
  room.hub.settle();
  ASSERT_EQ(room.engine.taken.size(), 2U);
  EXPECT_TRUE(here.received.empty());
  room.arrive(1, "other 1");
  room.place(2);
  room.arrive(3, "other 3");
  room.place(4);
  EXPECT_EQ(here.received, (Texts{"other 1", "a", "other 3", "b"}));
  EXPECT_EQ(there.received, here.received);
  EXPECT_EQ(room.told, (std::vector<Position>{{kEpoch, 2}, {kEpoch, 4}}));
}

TEST(ShardOrder, PublishBeforeTheRoomIsOpen_ComesAfterTheJoinBeforeIt) {
  OrderedRoom room;
  FakeMember& member = room.join(0, Since::last(10));
  room.publish("mine");
  room.hub.settle();
  EXPECT_EQ(room.engine.taken.size(), 1U);
  room.open(3, {"3"});
  room.place(4);
  EXPECT_EQ(member.received, (Texts{"3", "mine"}));
}

TEST(ShardOrder, CallsKeepTheirOrder) {
  OrderedRoom room;
  FakeMember& stays = room.join(0);
  FakeMember& leaves = room.join(1);
  room.open(0);
  room.publish("1");
  FakeMember& late = room.join(0);
  room.publish("2");
  room.hub.shard(1).leave(leaves, room.name);
  room.hub.settle();  // the leave is behind "2"
  room.publish("3");
  room.hub.settle();
  EXPECT_EQ(room.engine.taken.size(), 3U) << "publishes do not wait for the joins before them";
  room.engine.place({kEpoch, 1});
  room.engine.arrive({kEpoch, 2}, "other");
  room.engine.place({kEpoch, 3});
  room.engine.place({kEpoch, 4});
  room.hub.settle();
  EXPECT_EQ(stays.received, (Texts{"1", "other", "2", "3"}));
  EXPECT_EQ(late.received, (Texts{"other", "2", "3"})) << "it joined after the first publish";
  EXPECT_EQ(leaves.received, (Texts{"1", "other", "2"})) << "it left before the last publish";
}

TEST(ShardOrder, ReceiptThatPublishes_GetsTheNextPosition) {
  OrderedRoom room;
  FakeMember& member = room.join(0);
  room.open(0);
  room.hub.shard(0).publish(
      room.name, frame_of("1"),
      std::make_unique<Receipt>([&](const RoomState&) { room.publish("2"); }));
  room.hub.settle();
  room.place(1);
  room.place(2);
  EXPECT_EQ(member.received, (Texts{"1", "2"}));
  EXPECT_EQ(room.told, (std::vector<Position>{{kEpoch, 2}}));
}

TEST(ShardOrder, FailedPublish_ReachesNobodyAndItsPublisherLearnsIt) {
  OrderedRoom room;
  FakeMember& publisher = room.join(1);
  FakeMember& member = room.join(0);
  room.open(0);
  room.publish("refused", 1, publisher.id());
  room.hub.settle();
  room.publish("unknown");
  room.publish("placed");
  room.hub.settle();
  room.engine.fail(PublishFailure::kRefused);
  room.engine.fail(PublishFailure::kUnknown);
  room.place(1);
  EXPECT_EQ(member.received, (Texts{"placed"}));
  EXPECT_EQ(publisher.close_cause, CloseCause::kPublishRefused);
  EXPECT_EQ(publisher.close_code, CloseCode::kTryAgainLater);
  EXPECT_EQ(room.told, (std::vector<Position>{kRefusedPosition, kUnknownPosition, {kEpoch, 1}}));
}

TEST(ShardOrder, ResumeOnThisNode_GetsEachLaterMessageOnce) {
  OrderedRoom room;
  FakeMember& member = room.join(0, Since::after({kEpoch, 3}));
  room.open(5, {"2", "3", "4", "5"});
  EXPECT_EQ(member.received, (Texts{"4", "5"}));
  room.arrive(6, "6");
  EXPECT_EQ(member.received, (Texts{"4", "5", "6"}));
}

TEST(ShardOrder, JoinerAhead_WaitsForTheCheck_AndIsToldNoGap) {
  OrderedRoom room;
  FakeMember& before = room.join(0, {}, 1);
  room.open(5, {"5"});
  FakeMember& ahead = room.join(1, Since::after({kEpoch, 7}), 1);
  FakeMember& behind = room.join(0, Since::after({kEpoch, 5}), 1);
  room.hub.settle();
  EXPECT_EQ(room.engine.checks, 1);
  EXPECT_FALSE(ahead.is_in(room.name));
  EXPECT_TRUE(behind.is_in(room.name)) << "others do not wait for it";
  for (const std::uint64_t seq : {6U, 7U, 8U}) room.arrive(seq, std::to_string(seq));
  EXPECT_EQ(before.received, (Texts{"6=6", "7=7", "8=8"}));
  EXPECT_EQ(behind.received, (Texts{"6=6", "7=7", "8=8"}));
  EXPECT_TRUE(ahead.received.empty());
  room.engine.sink.checked(*room.engine.room);
  room.hub.settle();
  EXPECT_EQ(ahead.received, (Texts{"8=8"}));
  EXPECT_EQ(room.engine.checks, 1);
}

TEST(ShardOrder, MemberThatLeavesWhileItsJoinIsChecked_JoinsAndLeaves) {
  OrderedRoom room;
  FakeMember& stays = room.join(0);
  room.open(5, {"5"});
  FakeMember& goes = room.join(1, Since::after({kEpoch, 7}));
  FakeMember& other = room.join(1, Since::after({kEpoch, 6}));
  room.hub.settle();
  room.hub.shard(1).remove(goes);
  room.hub.settle();
  EXPECT_EQ(room.engine.checks, 2);
  room.arrive(6, "6");
  room.engine.sink.checked(*room.engine.room);
  room.hub.settle();
  EXPECT_FALSE(other.is_in(room.name)) << "its own answer is still to come";
  room.arrive(7, "7");
  room.engine.sink.checked(*room.engine.room);
  room.hub.settle();
  EXPECT_EQ(other.received, (Texts{"7"}));
  EXPECT_EQ(stays.received, (Texts{"6", "7"}));
  EXPECT_TRUE(goes.received.empty());
  room.hub.shard(1).add(goes);  // the test removes it at its end
}

TEST(ShardOrder, JoinerThatStaysAhead_IsToldAGap) {
  OrderedRoom room;
  FakeMember& first = room.join(0);
  room.open(5, {"5"});
  FakeMember& ahead = room.join(0, Since::after({kEpoch + 1, 2}), 1);
  room.hub.settle();
  EXPECT_EQ(room.engine.checks, 1);
  room.engine.sink.checked(*room.engine.room);
  room.hub.settle();
  EXPECT_EQ(ahead.received, (Texts{"gap 4", "5=5"}));
  EXPECT_TRUE(first.received.empty());
}

TEST(ShardOrder, JoinerOfAnEarlierEpoch_IsToldAGapWithoutACheck) {
  OrderedRoom room;
  FakeMember& old = room.join(0, Since::after({kEpoch - 1, 9}), 1);
  room.open(5, {"5"});
  EXPECT_EQ(old.received, (Texts{"gap 4", "5=5"}));
  EXPECT_EQ(room.engine.checks, 0);
}

TEST(ShardOrder, LostRoom_KeepsItsMembersAndHoldsItsJoins) {
  OrderedRoom room;
  FakeMember& member = room.join(0);
  room.open(0);
  room.engine.sink.lost(*room.engine.room);
  FakeMember& late = room.join(1, Since::last(10));
  room.hub.settle();
  EXPECT_FALSE(late.is_in(room.name));
  room.arrive(1, "missed");
  EXPECT_FALSE(late.is_in(room.name));
  room.open(1);
  EXPECT_EQ(member.received, (Texts{"missed"}));
  EXPECT_EQ(late.received, (Texts{"missed"}));
  EXPECT_EQ(member.closes, 0);
}

TEST(ShardOrder, AnotherEpoch_MembersAreToldAGap_AndTheHistoryBeginsAnew) {
  OrderedRoom room;
  FakeMember& plain = room.join(1);
  FakeMember& knows_gaps = room.join(0, {}, 1);
  room.open(1, {"1"});
  room.engine.sink.lost(*room.engine.room);
  room.engine.sink.missed(*room.engine.room, {kEpoch + 1, 4}, false);
  room.arrive(5, "five", kEpoch + 1);
  room.engine.begin({kEpoch + 1, 5});
  room.hub.settle();
  EXPECT_EQ(plain.received, (Texts{"five"}));
  EXPECT_EQ(knows_gaps.received, (Texts{"gap 4", "5=five"}));
  FakeMember& late = room.join(0, Since::last(10));
  room.hub.settle();
  EXPECT_EQ(late.received, (Texts{"five"}));
}

TEST(ShardOrder, AnotherEpochWithoutAHole_KeepsTheHistory) {
  OrderedRoom room;
  FakeMember& member = room.join(0);
  room.open(2, {"1", "2"});
  room.engine.sink.missed(*room.engine.room, {kEpoch + 1, 2}, true);
  room.arrive(3, "3", kEpoch + 1);
  FakeMember& late = room.join(0, Since::after({kEpoch + 1, 1}));
  room.hub.settle();
  EXPECT_EQ(late.received, (Texts{"2", "3"}));
  EXPECT_EQ(member.received, (Texts{"3"}));
}

TEST(ShardOrder, ClosedGate_HoldsBackJoinsGapsAndTheMessagesAfterThem) {
  OrderedRoom room(kRoomy, 2);
  FakeMember& there = room.join(1, {}, 1);
  room.open(0);
  // Two batches that shard 1 does not take fill its gate.
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    room.engine.arrive({kEpoch, seq}, std::to_string(seq));
    room.hub.shard(0).fan_out();
  }
  room.engine.sink.missed(*room.engine.room, {kEpoch + 1, 9}, false);
  room.engine.arrive({kEpoch + 1, 10}, "10");
  room.hub.shard(0).drain();
  room.hub.shard(0).fan_out();
  EXPECT_TRUE(there.received.empty());
  room.hub.settle();
  EXPECT_EQ(there.received, (Texts{"1=1", "2=2", "3=3", "gap 9", "10=10"}));
}

TEST(ShardOrder, SlowMembers_LeaveTheEngineUnread) {
  OrderedRoom room(HistoryLimits{}, 2);
  room.join(1);
  room.open(0);
  const std::string large(std::size_t{1} << 20, 'x');
  std::uint64_t seq = 0;
  for (; seq < 20 && !room.engine.held_back; ++seq) {
    room.engine.arrive({kEpoch, seq + 1}, large);
    room.hub.shard(0).fan_out();
  }
  EXPECT_TRUE(room.engine.held_back);
  EXPECT_GT(seq, 7U);
  room.hub.settle();
  EXPECT_FALSE(room.engine.held_back);
}

TEST(ShardOrder, RoomWithoutMembersAndHistory_GivesAPositionAllTheSame) {
  OrderedRoom room(HistoryLimits{});
  room.publish("nobody");
  room.open(0);
  room.place(1);
  EXPECT_EQ(room.told, (std::vector<Position>{{kEpoch, 1}}));
  EXPECT_TRUE(room.engine.unwanted_now);
}

TEST(ShardOrder, LastLeave_MakesTheRoomUnwanted_AndAJoinTakesItBack) {
  OrderedRoom room;
  FakeMember& member = room.join(0);
  room.open(3, {"3"});
  EXPECT_FALSE(room.engine.unwanted_now);
  room.hub.shard(0).leave(member, room.name);
  room.hub.settle();
  EXPECT_TRUE(room.engine.unwanted_now);
  FakeMember& again = room.join(1, Since::last(1));
  room.hub.settle();
  EXPECT_FALSE(room.engine.unwanted_now);
  EXPECT_EQ(again.received, (Texts{"3"}));
}

TEST(ShardOrder, ClosedRoomThatIsJoinedAgain_IsOpenedAnew) {
  OrderedRoom room;
  FakeMember& member = room.join(0);
  room.open(3, {"3"});
  room.hub.shard(0).leave(member, room.name);
  room.hub.settle();
  room.engine.sink.closed(*room.engine.room, false);
  EXPECT_EQ(room.hub.shard(0).home_count(), 0U);
  FakeMember& again = room.join(0, Since::after({kEpoch, 3}));
  room.open(5, {"3", "4", "5"});
  EXPECT_EQ(again.received, (Texts{"4", "5"}));
}

TEST(ShardOrder, RoomThatCannotBeOpened_RefusesItsJoins) {
  OrderedRoom room;
  FakeMember& here = room.join(0);
  FakeMember& there = room.join(1);
  room.hub.settle();
  room.engine.sink.closed(*room.engine.room, true);
  room.hub.settle();
  for (const FakeMember* each : {&here, &there}) {
    ASSERT_EQ(each->refusals.size(), 1U);
    EXPECT_EQ(each->refusals[0].second, JoinRefusal::kEngine);
  }
  EXPECT_EQ(room.hub.shard(0).home_count(), 0U);
}

TEST(ShardOrder, RoomThatIsClosedUnderItsMembers_IsOpenedAgainAndTellsAGap) {
  OrderedRoom room;
  FakeMember& member = room.join(0, {}, 1);
  room.open(1, {"1"});
  room.engine.sink.lost(*room.engine.room);
  room.engine.sink.closed(*room.engine.room, true);
  const int before = room.engine.opens;
  room.hub.settle();
  EXPECT_GT(room.engine.opens, before);
  room.open(4, {"4"});
  EXPECT_EQ(member.received, (Texts{"gap 4"}));
  EXPECT_EQ(member.closes, 0);
  EXPECT_TRUE(member.refusals.empty());
}

TEST(ShardOrder, RoomOverTheLimit_IsRefusedWithoutTheEngine) {
  OrderedRoom room(kRoomy, 65'536, 1);
  room.join(0);
  room.open(0);
  const std::string second = room.hub.room_at(0, 2);
  FakeMember late;
  room.hub.shard(0).add(late);
  room.hub.shard(0).join(late, second);
  Position told;
  room.hub.shard(0).publish(
      second, frame_of("x"),
      std::make_unique<Receipt>([&](const RoomState& state) { told = state.last; }));
  room.hub.settle();
  ASSERT_EQ(late.refusals.size(), 1U);
  EXPECT_EQ(late.refusals[0].second, JoinRefusal::kServerLimit);
  EXPECT_EQ(told, kRefusedPosition);
  EXPECT_EQ(room.hub.shard(0).home_count(), 1U);
  room.hub.shard(0).remove(late);
}

TEST(ShardOrder, OutOfMemory_TriesAgainInOrder) {
  OrderedRoom room;
  FakeMember& member = room.join(1);
  room.open(0);
  room.engine.out_of_memory = true;
  room.publish("1", 1);
  room.publish("2", 1);
  room.hub.shard(0).drain();
  EXPECT_TRUE(room.hub.shard(0).retry_needed());
  room.engine.out_of_memory = false;
  room.hub.settle();
  ASSERT_EQ(room.engine.taken.size(), 2U);
  room.place(1);
  room.place(2);
  EXPECT_EQ(member.received, (Texts{"1", "2"}));
}

TEST(ShardOrder, LeaveInTheTurnOfTheCheck_ComesAfterItsJoin) {
  OrderedRoom room;
  FakeMember& stays = room.join(1);
  room.open(5, {"5"});
  FakeMember& goes = room.join(1, Since::after({kEpoch, 7}));
  room.hub.settle();
  room.hub.shard(1).remove(goes);
  room.engine.sink.arrived(*room.engine.room, {kEpoch, 6}, frame_of("6"), 0);
  // The home takes the leave in the same turn, and before its line runs.
  room.hub.shard(0).publish(room.name, frame_of("mine"));
  room.engine.sink.checked(*room.engine.room);
  room.hub.settle();
  room.place(7);
  EXPECT_EQ(stays.received, (Texts{"6", "mine"})) << "its shard still counts as one with members";
  room.hub.shard(1).add(goes);
}

TEST(ShardOrder, LeaveThatIsQueuedWhenTheCheckIsDone_ComesAfterItsJoin) {
  OrderedRoom room;
  FakeMember& stays = room.join(0);
  room.open(5, {"5"});
  FakeMember& goes = room.join(0, Since::after({kEpoch, 7}));
  room.hub.settle();
  room.hub.shard(0).remove(goes);  // its leave is in the queue, which has not run
  room.engine.sink.checked(*room.engine.room);
  room.hub.settle();
  room.arrive(6, "6");
  EXPECT_EQ(stays.received, (Texts{"6"}));
  room.hub.shard(0).add(goes);
}

TEST(ShardOrder, BytesOfMessagesThatWaitInALine_AreCountedOnce) {
  OrderedRoom room(HistoryLimits{}, 2);
  FakeMember& there = room.join(1, {}, 1);
  room.open(0);
  const std::string large(std::size_t{1} << 20, 'x');
  std::uint64_t seq = 0;
  for (int i = 0; i < 3; ++i) {
    room.engine.arrive({kEpoch, ++seq}, large);
    room.hub.shard(0).fan_out();
  }
  // The gap waits for the gate of shard 1, and the messages wait behind it.
  room.engine.sink.missed(*room.engine.room, {kEpoch + 1, 9}, false);
  for (seq = 9; seq < 30 && !room.engine.held_back;) {
    room.engine.arrive({kEpoch + 1, ++seq}, large);
  }
  EXPECT_TRUE(room.engine.held_back);
  room.hub.settle();
  EXPECT_FALSE(room.engine.held_back);
  EXPECT_EQ(there.received.size(), 3 + 1 + (seq - 9));
}

TEST(ShardOrder, JoinOfALostRoom_HoldsBackNoMessage) {
  OrderedRoom room(HistoryLimits{}, 2);
  FakeMember& member = room.join(0);
  room.open(0);
  room.engine.sink.lost(*room.engine.room);
  FakeMember& late = room.join(1);
  room.hub.settle();
  const std::string large(std::size_t{1} << 20, 'x');
  for (std::uint64_t seq = 1; seq <= 20; ++seq) room.engine.arrive({kEpoch, seq}, large);
  room.hub.settle();
  EXPECT_FALSE(room.engine.held_back);
  EXPECT_EQ(member.received.size(), 20U);
  room.open(20);
  EXPECT_TRUE(late.is_in(room.name));
  EXPECT_TRUE(late.received.empty());
}

TEST(ShardOrder, MembersThatComeAndGoDuringAnOutage_LeaveNothingBehind) {
  OrderedRoom room;
  FakeMember& stays = room.join(0);
  room.open(0);
  room.engine.sink.lost(*room.engine.room);
  for (const std::uint32_t shard : {0U, 1U, 0U, 1U}) {
    FakeMember passing;
    room.hub.shard(shard).add(passing);
    room.hub.shard(shard).join(passing, room.name);
    room.hub.settle();
    room.hub.shard(shard).remove(passing);
    room.hub.settle();
    EXPECT_EQ(room.hub.shard(0).publish_gate().queued(), 0U);
  }
  room.open(0);
  room.arrive(1, "1");
  EXPECT_EQ(stays.received, (Texts{"1"}));
}

TEST(ShardOrder, AnswerForAMemberThatHasLeft_IsNoAnswerForItsNextJoin) {
  OrderedRoom room;
  room.join(0);
  room.open(5, {"5"});
  FakeMember& member = room.join(1, Since::after({kEpoch, 7}), 1);
  room.hub.settle();
  room.hub.shard(1).leave_all(member);
  room.hub.settle();
  room.hub.shard(1).join(member, room.name, Since::after({kEpoch, 8}));
  room.hub.settle();
  EXPECT_EQ(room.engine.checks, 2);
  room.engine.sink.checked(*room.engine.room);
  room.hub.settle();
  EXPECT_FALSE(member.is_in(room.name));
  for (std::uint64_t seq = 6; seq <= 9; ++seq) room.engine.arrive({kEpoch, seq}, "x");
  room.engine.sink.checked(*room.engine.room);
  room.hub.settle();
  EXPECT_EQ(member.received, (Texts{"9=x"}));
}

TEST(ShardOrder, MessageThatIsOlderThanTheOneBefore_DropsNoHistory) {
  OrderedRoom room;
  room.hub.advance(100);
  room.join(0);
  room.hub.settle();
  room.engine.begin_at({kEpoch, 2}, {{"1", 90}, {"2", 40}});
  room.hub.settle();
  room.engine.sink.arrived(*room.engine.room, {kEpoch, 3}, frame_of("3"), 10);
  room.engine.sink.arrived(*room.engine.room, {kEpoch, 4}, frame_of("4"), 500);
  FakeMember& late = room.join(1, Since::last(10));
  room.hub.settle();
  EXPECT_EQ(late.received, (Texts{"1", "2", "3", "4"}));
}

TEST(ShardOrder, MemberThatIsRemovedWhileItsJoinWaits_LeavesNothingBehind) {
  OrderedRoom room;
  FakeMember gone;
  room.hub.shard(1).add(gone);
  room.hub.shard(1).join(gone, room.name);
  room.hub.settle();
  room.hub.shard(1).remove(gone);
  room.open(2, {"2"});
  EXPECT_TRUE(room.engine.unwanted_now);
}

}  // namespace
}  // namespace wsd::hub
