// Joins from a position of the room, and rooms that outlive their members.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/fake_member.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

constexpr HistoryLimits kRoomy{1000, std::size_t{1} << 20, 1000, std::size_t{1} << 30};

class Listener final : public RoomStateCallback {
 public:
  explicit Listener(std::vector<RoomState>& told) : told_(told) {}
  void run(const RoomState& state) noexcept override { told_.push_back(state); }

 private:
  std::vector<RoomState>& told_;
};

// Encoding 1 has a gap notice and a position notice.
class GapEncoder final : public Encoder {
 public:
  SharedBytes encode(const SharedBytes& plain, Encoding, const Position& position) override {
    return frame_of(std::to_string(position.seq) + "=" + std::string(as_text(plain.bytes())));
  }
  SharedBytes gap_notice(Encoding encoding, const Position& position) override {
    return encoding == 1 ? frame_of("gap " + std::to_string(position.seq)) : SharedBytes();
  }
  SharedBytes position_notice(Encoding encoding, const Position& position) override {
    return encoding == 1 ? frame_of("at " + position_text(position)) : SharedBytes();
  }
};

// A room with its home on shard 0 of two. Both shards publish to it.
class Room {
 public:
  explicit Room(const HistoryLimits& limits = kRoomy) : hub(2, 65'536, limits) {
    for (std::uint32_t i = 0; i < 2; ++i) hub.shard(i).set_encoder(&encoder);
    name = hub.room_at(0);
  }
  ~Room() {
    for (auto& [member, shard] : members_) hub.shard(shard).remove(*member);
    hub.settle();
  }

  FakeMember& add(std::uint32_t shard, Encoding encoding = kIdentity) {
    members_.emplace_back(std::make_unique<FakeMember>(), shard);
    members_.back().first->set_encoding(encoding);
    hub.shard(shard).add(*members_.back().first);
    return *members_.back().first;
  }
  FakeMember& join(std::uint32_t shard, const Since& since = {}, Encoding encoding = kIdentity) {
    FakeMember& member = add(shard, encoding);
    hub.shard(shard).join(member, name, since);
    return member;
  }
  void publish(int first, int last, std::uint32_t shard = 0) {
    for (int i = first; i <= last; ++i) {
      hub.shard(shard).publish(name, frame_of(std::to_string(i)),
                               std::make_unique<Listener>(receipts));
    }
  }
  [[nodiscard]] Position place(std::uint64_t seq) const {
    return {receipts.back().last.epoch, seq};
  }

  GapEncoder encoder;
  ManualHub hub;
  std::string name;
  std::vector<RoomState> receipts;

 private:
  std::vector<std::pair<std::unique_ptr<FakeMember>, std::uint32_t>> members_;
};

Texts numbers(int first, int last) {
  Texts texts;
  for (int i = first; i <= last; ++i) texts.push_back(std::to_string(i));
  return texts;
}

TEST(ShardHistory, ReceiptsTellThePlace) {
  Room room;
  FakeMember& member = room.join(1);
  room.hub.settle();
  room.publish(1, 2, 0);
  room.publish(3, 3, 1);
  room.hub.settle();
  ASSERT_EQ(room.receipts.size(), 3U);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(room.receipts[i].last, room.place(i + 1));
    EXPECT_EQ(room.receipts[i].members, 1U);
  }
  EXPECT_EQ(member.received, numbers(1, 3));
}

TEST(ShardHistory, ARoomOverTheLimitKeepsNothingAndRepeatsNothing) {
  Shard::Options options;
  options.max_rooms = 1;
  options.history = kRoomy;
  GapEncoder encoder;
  ManualHub hub(2, options);
  for (std::uint32_t i = 0; i < 2; ++i) hub.shard(i).set_encoder(&encoder);
  const std::string first = hub.room_at(0);
  const std::string second = hub.room_at(0, 1);
  std::vector<RoomState> receipts;
  FakeMember keeper;
  FakeMember near;
  FakeMember far;
  far.set_encoding(1);
  near.set_encoding(1);
  hub.shard(0).add(keeper);
  hub.shard(0).add(near);
  hub.shard(1).add(far);
  hub.shard(0).join(keeper, first);
  hub.shard(1).publish(second, frame_of("lost"), std::make_unique<Listener>(receipts));
  hub.settle();
  ASSERT_EQ(receipts.size(), 1U);
  EXPECT_EQ(receipts[0].last, Position());
  EXPECT_EQ(hub.hub().room_count(), 1U);

  const Since elsewhere = Since::after({77, 1});
  hub.shard(1).join(far, second, elsewhere);
  hub.shard(0).publish(second, frame_of("for nobody"));
  hub.shard(0).join(near, second, elsewhere);
  hub.settle();
  for (const FakeMember* each : {&near, &far}) {
    ASSERT_EQ(each->refusals.size(), 1U);
    EXPECT_EQ(each->refusals[0].second, JoinRefusal::kServerLimit);
    EXPECT_EQ(each->received, Texts());
  }
  EXPECT_EQ(hub.hub().room_count(), 1U);
  EXPECT_EQ(hub.shard(0).history_bytes(), 0U);

  hub.shard(0).leave(keeper, first);
  hub.settle();
  EXPECT_EQ(hub.hub().room_count(), 0U);
  hub.shard(1).publish(second, frame_of("kept"));
  hub.settle();
  hub.shard(1).join(far, second, elsewhere);
  hub.settle();
  EXPECT_EQ(far.received, (Texts{"gap 0", "1=kept"}));
  // A room that has only history counts as a room, and replayed messages count as deliveries.
  EXPECT_EQ(hub.shard(1).stats().deliveries.value(), 2U);
  hub.shard(1).leave(far, second);
  hub.settle();
  EXPECT_EQ(hub.hub().room_count(), 1U);
  hub.advance(kRoomy.age * 2);
  EXPECT_EQ(hub.hub().room_count(), 0U);
  EXPECT_EQ(hub.shard(0).stats().rooms.value(), 0U);
  hub.shard(0).remove(keeper);
  hub.shard(0).remove(near);
  hub.shard(1).remove(far);
}

TEST(ShardHistory, WithoutHistoryAnEmptyRoomHasNoPlaces) {
  Room room{HistoryLimits{}};
  room.publish(1, 1, 0);
  room.publish(2, 2, 1);
  room.hub.settle();
  ASSERT_EQ(room.receipts.size(), 2U);
  for (const RoomState& each : room.receipts) EXPECT_EQ(each.last, Position());
  EXPECT_EQ(room.hub.shard(0).home_count(), 0U);
  EXPECT_EQ(room.hub.shard(0).publish_gate().queued(), 0U);
}

TEST(ShardHistory, AnswersHowARoomIs) {
  Room room;
  std::vector<RoomState> told;
  const auto ask = [&](std::uint32_t shard) {
    room.hub.shard(shard).query(room.name, std::make_unique<Listener>(told));
    EXPECT_EQ(room.hub.hub().query(room.name, std::make_unique<Listener>(told)), SendResult::kSent);
    room.hub.settle();
    ASSERT_GE(told.size(), 2U);
    EXPECT_EQ(told[told.size() - 1].members, told[told.size() - 2].members);
    EXPECT_EQ(told[told.size() - 1].last, told[told.size() - 2].last);
  };
  ask(0);
  EXPECT_EQ(told.back().members, 0U);
  EXPECT_EQ(told.back().last, Position());
  room.join(0);
  room.join(1);
  room.join(1);
  room.publish(1, 4);
  ask(1);
  EXPECT_EQ(told.back().members, 3U);
  EXPECT_EQ(told.back().last, room.place(4));
}

TEST(ShardHistory, ARoomOutlivesItsMembersUntilItsHistoryHasAged) {
  Room room;
  room.hub.advance(100);
  FakeMember& member = room.join(1);
  room.publish(1, 3);
  room.hub.settle();
  room.hub.shard(1).leave(member, room.name);
  room.hub.settle();
  EXPECT_EQ(room.hub.shard(0).home_count(), 1U);
  EXPECT_EQ(room.join(0, Since::last(10)).received, numbers(1, 3));
  room.hub.shard(0).leave(room.join(0), room.name);
  room.hub.advance(1099);
  EXPECT_EQ(room.join(0, Since::last(10)).received, numbers(1, 3));
  room.hub.advance(1100);
  EXPECT_EQ(room.join(0, Since::last(10)).received, Texts{});
}

TEST(ShardHistory, ThenNothingIsLeftOfIt) {
  Room room;
  room.hub.advance(100);
  room.publish(1, 3, 1);  // no members, but history
  room.hub.settle();
  EXPECT_EQ(room.place(3), room.receipts.back().last);
  EXPECT_EQ(room.hub.shard(0).home_count(), 1U);
  EXPECT_NE(room.hub.shard(0).history_bytes(), 0U);
  EXPECT_EQ(room.hub.shard(0).wheel().size(), 1U);
  room.hub.advance(100 + 1000 + 1000 / 8 + 1);
  EXPECT_EQ(room.hub.shard(0).home_count(), 0U);
  EXPECT_EQ(room.hub.shard(0).history_bytes(), 0U);
  EXPECT_EQ(room.hub.shard(0).wheel().size(), 0U);
}

TEST(ShardHistory, ARoomWithMembersStaysWithoutHistory) {
  Room room;
  room.join(0);
  room.publish(1, 3);
  room.hub.settle();
  room.hub.advance(10'000);
  EXPECT_EQ(room.hub.shard(0).home_count(), 1U);
  EXPECT_EQ(room.hub.shard(0).wheel().size(), 0U);
  FakeMember& member = room.join(0, Since::after(room.place(3)));
  room.publish(4, 4);
  room.hub.settle();
  EXPECT_EQ(member.received, numbers(4, 4));
}

TEST(ShardHistory, EveryPlaceIsResumedExactly) {
  for (const std::uint32_t shard : {0U, 1U}) {
    for (std::uint64_t seq = 0; seq <= 20; ++seq) {
      Room room;
      room.publish(1, 15);
      room.hub.settle();
      room.publish(16, 20);  // pending in the turn of the join
      FakeMember& member = room.join(shard, Since::after(room.place(seq)), 1);
      room.publish(21, 25, 1 - shard);
      room.hub.settle();
      room.publish(26, 30);
      room.hub.settle();
      Texts expected;
      for (auto i = seq + 1; i <= 30; ++i) {
        expected.push_back(std::to_string(i) + "=" + std::to_string(i));
      }
      // A join from another shard may be ordered after messages that are published meanwhile. No
      // message is lost or duplicated.
      EXPECT_EQ(member.received, expected) << "from " << seq << " on shard " << shard;
    }
  }
}

TEST(ShardHistory, TheLastNAreAtMostWhatThereIs) {
  Room room;
  room.publish(1, 5);
  EXPECT_EQ(room.join(0, Since::last(0)).received, Texts{});
  EXPECT_EQ(room.join(0, Since::last(2)).received, numbers(4, 5));
  EXPECT_EQ(room.join(0, Since::last(5)).received, numbers(1, 5));
  EXPECT_EQ(room.join(0, Since::last(~0U)).received, numbers(1, 5));
}

TEST(ShardHistory, WhereThePlaceIsNotKeptAllThatIsComesWithTheGap) {
  Room room{HistoryLimits{3, 1 << 20, 1000, 1 << 20}};
  room.publish(1, 10);
  room.hub.settle();
  const Texts all = {"8=8", "9=9", "10=10"};
  Texts told = all;
  told.insert(told.begin(), "gap 7");
  const auto received = [&](const Position& after, Encoding encoding) {
    return room.join(0, Since::after(after), encoding).received;
  };
  EXPECT_EQ(received(room.place(7), 1), all);
  EXPECT_EQ(received(room.place(6), 1), told);
  EXPECT_EQ(received(room.place(0), 1), told);
  EXPECT_EQ(received(room.place(11), 1), told);                // not assigned yet
  EXPECT_EQ(received({room.place(0).epoch + 1, 9}, 1), told);  // another epoch
  EXPECT_EQ(received({room.place(0).epoch + 1, 9}, kIdentity),
            numbers(8, 10));  // has no gap notice
  EXPECT_EQ(received(room.place(10), 1), Texts{});
}

TEST(ShardHistory, WithoutHistoryOnlyTheLastPlaceIsResumed) {
  Room room{HistoryLimits{}};
  room.join(1);
  room.hub.settle();
  room.publish(1, 4);
  room.hub.settle();
  EXPECT_EQ(room.join(0, Since::after(room.place(4)), 1).received, Texts{});
  EXPECT_EQ(room.join(0, Since::after(room.place(3)), 1).received, (Texts{"gap 4"}));
  EXPECT_EQ(room.join(0, Since::last(3), 1).received, Texts{"at " + position_text(room.place(4))});
}

TEST(ShardHistory, RoomThatHasAged_ContinuesItsNumbering) {
  Room room;
  room.publish(1, 4);
  const Position before = room.place(4);
  room.hub.advance(10'000);
  room.hub.settle();
  room.hub.advance(20'000);
  ASSERT_EQ(room.hub.shard(0).home_count(), 0U);
  room.publish(1, 4);
  EXPECT_EQ(room.receipts.back().last, (Position{before.epoch, 8}));
  FakeMember& last_seen_4 = room.join(1, Since::after(before), 1);
  FakeMember& last_seen_3 = room.join(1, Since::after({before.epoch, 3}), 1);
  room.hub.settle();
  EXPECT_EQ(last_seen_4.received, (Texts{"5=1", "6=2", "7=3", "8=4"}));
  EXPECT_EQ(last_seen_3.received, (Texts{"gap 4", "5=1", "6=2", "7=3", "8=4"}));
}

// A client joins a silent room, loses its connection, and one message is published before it comes
// back.
TEST(ShardHistory, FirstMessageAfterASilentJoin_IsResumedExactly) {
  for (const std::uint32_t shard : {0U, 1U}) {
    Room room;
    FakeMember& member = room.join(shard, {}, 1);
    room.hub.settle();
    ASSERT_EQ(member.received.size(), 1U);
    const auto told = parse_position(member.received[0].substr(3));
    ASSERT_TRUE(told) << member.received[0];
    room.hub.shard(shard).leave_all(member);
    room.hub.settle();
    room.publish(1, 1, 1 - shard);
    room.hub.settle();
    FakeMember& again = room.join(shard, Since::after(*told), 1);
    room.hub.settle();
    EXPECT_EQ(again.received, Texts{"1=1"}) << "without a gap notice";
  }
}

TEST(ShardHistory, PositionAtTheJoin_IsWhereLiveMessagesBegin) {
  for (const std::uint32_t shard : {0U, 1U}) {
    Room room;
    room.publish(1, 3);
    FakeMember& member = room.join(shard, {}, 1);
    room.publish(4, 5);
    room.hub.settle();
    ASSERT_FALSE(member.received.empty());
    const auto told = parse_position(member.received[0].substr(3));
    ASSERT_TRUE(told) << member.received[0];
    Texts expected = {"at " + position_text(*told)};
    for (std::uint64_t i = told->seq + 1; i <= 5; ++i) {
      expected.push_back(std::to_string(i) + "=" + std::to_string(i));
    }
    EXPECT_EQ(member.received, expected);
    EXPECT_GE(told->seq, 3U);
  }
}

// Counts removed messages.
class Removed final : public RemovalCallback {
 public:
  explicit Removed(std::vector<std::size_t>& counts) : counts_(counts) {}
  void run(std::optional<std::size_t> removed) noexcept override {
    counts_.push_back(removed.value_or(~std::size_t{0}));
  }

 private:
  std::vector<std::size_t>& counts_;
};

TEST(ShardHistory, Removal_GoesByTheHomeShardAfterEarlierPublishes) {
  Room room;
  std::vector<std::size_t> counts;
  room.publish(1, 3, 1);
  room.hub.settle();
  EXPECT_EQ(room.hub.hub().publish(room.name, frame_of("4")), SendResult::kSent);
  EXPECT_EQ(room.hub.hub().remove(room.name, room.place(4), std::make_unique<Removed>(counts)),
            SendResult::kSent);
  EXPECT_EQ(room.hub.hub().publish(room.name, frame_of("5")), SendResult::kSent);
  room.hub.settle();
  EXPECT_EQ(counts, (std::vector<std::size_t>{1}));
  EXPECT_EQ(room.join(0, Since::last(9)).received, (Texts{"1", "2", "3", "5"}));
  EXPECT_EQ(room.hub.hub().remove(room.name, std::nullopt, std::make_unique<Removed>(counts)),
            SendResult::kSent);
  EXPECT_EQ(room.hub.hub().remove("nowhere", std::nullopt, std::make_unique<Removed>(counts)),
            SendResult::kSent);
  room.hub.settle();
  EXPECT_EQ(counts, (std::vector<std::size_t>{1, 4, 0}));
  EXPECT_EQ(room.join(0, Since::last(9)).received, Texts{});
  EXPECT_EQ(room.hub.shard(0).publish_gate().queued(), 0U);
}

TEST(ShardHistory, LeaveBeforeTheAnswer_GetsTheReplayAndNothingElse) {
  Room room;
  room.publish(1, 4);
  FakeMember& member = room.join(1, Since::last(4));
  room.hub.shard(1).leave(member, room.name);
  room.hub.settle();
  EXPECT_EQ(member.received, numbers(1, 4)) << "the join came before the leave";
  room.publish(5, 5);
  room.hub.settle();
  EXPECT_EQ(member.received, numbers(1, 4));
}

TEST(ShardHistory, JoinsOfOtherThreadsHaveAPlaceToo) {
  Room room;
  room.publish(1, 4);
  FakeMember& member = room.add(1);
  EXPECT_EQ(room.hub.hub().join(member.id(), room.name, Since::after(room.place(2))),
            SendResult::kSent);
  room.hub.settle();
  EXPECT_EQ(member.received, numbers(3, 4));
}

}  // namespace
}  // namespace wsd::hub
