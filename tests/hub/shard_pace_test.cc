// A large room's batch waits for the members of other shards.
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

// A room of shard 0 with one member there and `away` members on shard 1.
class PacedRoom {
 public:
  explicit PacedRoom(int away) : away_(static_cast<std::size_t>(away)), name_(hub.room_at(0)) {
    for (std::uint32_t i = 0; i < 2; ++i) hub.shard(i).expect_end_turns();
    home().add(local);
    home().join(local, name_);
    for (FakeMember& each : away_) {
      other().add(each);
      other().join(each, name_);
    }
    hub.settle();
  }
  PacedRoom(const PacedRoom&) = delete;
  PacedRoom& operator=(const PacedRoom&) = delete;
  ~PacedRoom() {
    home().remove(local);
    for (FakeMember& each : away_) other().remove(each);
    hub.settle();
  }

  [[nodiscard]] Shard& home() { return hub.shard(0); }
  [[nodiscard]] Shard& other() { return hub.shard(1); }
  [[nodiscard]] const FakeMember& remote() const { return away_.front(); }
  void publish(Shard& shard, const char* text) {
    static_cast<void>(shard.publish(name_, frame_of(text)));
  }
  // Runs one turn, whose reads publish `text`.
  void turn(Shard& shard, const char* text = nullptr) {
    shard.drain();
    if (text != nullptr) publish(shard, text);
    shard.fan_out();
    shard.end_turn();
  }

  ManualHub hub{2};
  FakeMember local;

 private:
  std::deque<FakeMember> away_;
  const std::string name_;
};

TEST(ShardPace, BatchDuringTheSendsOfAnotherShard_TakesTheAnswersOfItsMembersToo) {
  PacedRoom room(16);
  room.turn(room.home(), "1");
  room.turn(room.home(), "2");
  EXPECT_EQ(room.local.received, Texts{"1"});
  room.turn(room.other());
  EXPECT_EQ(room.remote().received, Texts{"1"});
  room.turn(room.home());
  EXPECT_EQ(room.local.received, Texts{"1"}) << "the answers to 1 have not been read yet";
  EXPECT_TRUE(room.other().has_pending()) << "the turn that reads them must not be delayed";
  room.turn(room.other(), "3");
  room.turn(room.home());
  EXPECT_EQ(room.local.received, (Texts{"1", "2", "3"}));
  EXPECT_EQ(room.local.batches, 2);
  room.turn(room.other());
  EXPECT_EQ(room.remote().received, (Texts{"1", "2", "3"}));
  EXPECT_EQ(room.remote().batches, 2);
}

TEST(ShardPace, OtherShardHasSentEverything_BatchDoesNotWait) {
  PacedRoom room(16);
  room.turn(room.home(), "1");
  room.turn(room.other());
  room.turn(room.other());
  EXPECT_FALSE(room.other().has_pending());
  room.turn(room.home(), "2");
  EXPECT_EQ(room.local.received, (Texts{"1", "2"}));
}

TEST(ShardPace, FewMembersOnTheOtherShard_BatchDoesNotWait) {
  PacedRoom room(15);
  room.turn(room.home(), "1");
  room.turn(room.home(), "2");
  EXPECT_EQ(room.local.received, (Texts{"1", "2"}));
  room.turn(room.other());
  EXPECT_FALSE(room.other().has_pending()) << "no additional turn for a small room";
}

TEST(ShardPace, OtherShardStandsStill_BatchWaitsForALimitedTime) {
  PacedRoom room(16);
  constexpr std::uint64_t kStart = 1'000'000'000;
  constexpr std::uint64_t kLongest = 1'000'000 + 16 * 10'000;
  room.home().begin_turn(0, kStart);
  EXPECT_EQ(room.home().paced_until_ns(), Shard::kNeverPaced);
  room.turn(room.home(), "1");
  room.turn(room.home(), "2");
  EXPECT_EQ(room.home().paced_until_ns(), kStart + kLongest);
  EXPECT_TRUE(room.home().has_to_fan_out());
  EXPECT_FALSE(room.home().has_pending()) << "the reactor sleeps until then";
  room.home().begin_turn(0, kStart + kLongest - 1);
  room.turn(room.home(), "3");
  EXPECT_EQ(room.local.received, Texts{"1"});
  EXPECT_EQ(room.home().paced_until_ns(), kStart + kLongest) << "counted from the first message";
  room.home().begin_turn(0, kStart + kLongest);
  room.turn(room.home());
  EXPECT_EQ(room.local.received, (Texts{"1", "2", "3"}));
  EXPECT_EQ(room.home().paced_until_ns(), Shard::kNeverPaced);
}

TEST(ShardPace, EndOfTheSends_WakesTheHomeShardThatWaits) {
  PacedRoom room(16);
  room.turn(room.home(), "1");
  room.turn(room.home(), "2");
  ASSERT_TRUE(room.home().arm());
  const int before = room.hub.waker(0).wakes;
  room.turn(room.other());
  EXPECT_EQ(room.hub.waker(0).wakes, before);
  room.turn(room.other());
  EXPECT_EQ(room.hub.waker(0).wakes, before + 1);
}

TEST(ShardPace, MemberLeavesWhileItsRoomWaits_GetsTheMessagesBefore) {
  PacedRoom room(16);
  FakeMember leaving;
  room.home().add(leaving);
  room.home().join(leaving, room.hub.room_at(0));
  room.turn(room.home(), "1");
  room.turn(room.home(), "2");
  room.home().leave(leaving, room.hub.room_at(0));
  EXPECT_EQ(leaving.received, (Texts{"1", "2"}));
  room.home().remove(leaving);
}

}  // namespace
}  // namespace wsd::hub
