// Queries of a room's state, which an order engine answers for other nodes.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "hub/fake_member.h"
#include "hub/fake_order_engine.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

constexpr std::uint64_t kEpoch = 7;
constexpr HistoryLimits kRoomy{1000, std::size_t{1} << 20, 1000, std::size_t{1} << 30};

class Query final : public RoomStateCallback {
 public:
  explicit Query(std::vector<RoomState>& told) : told_(told) {}
  void run(const RoomState& state) noexcept override { told_.push_back(state); }

 private:
  std::vector<RoomState>& told_;
};

// Two shards with order engines. The first one is the home of a room, and has one member.
class ShardCounts : public testing::Test {
 protected:
  ShardCounts()
      : hub_(2, 65'536, kRoomy),
        engine_(hub_.shard(0)),
        other_engine_(hub_.shard(1)),
        name_(hub_.room_at(0)) {
    hub_.shard(0).add(member_);
    hub_.shard(0).join(member_, name_);
    hub_.settle();
  }
  ~ShardCounts() override {
    while (!engine_.taken.empty()) engine_.fail(PublishFailure::kRefused);
    hub_.settle();
    hub_.shard(0).remove(member_);
    hub_.settle();
    engine_.sink.closed(*engine_.room, false);
    hub_.settle();
    EXPECT_EQ(hub_.shard(0).publish_gate().queued(), 0U);
  }
  void open(std::uint64_t seq) {
    engine_.begin({kEpoch, seq});
    hub_.settle();
  }
  void query(std::uint32_t shard) {
    hub_.shard(shard).query(name_, std::make_unique<Query>(told_));
  }

  ManualHub hub_;
  FakeOrderEngine engine_;
  FakeOrderEngine other_engine_;
  std::string name_;
  FakeMember member_;
  std::vector<RoomState> told_;
};

TEST_F(ShardCounts, Query_SumsTheMembersOfAllNodes_WithTheHighestPosition) {
  open(5);
  query(0);
  query(1);
  hub_.settle();
  EXPECT_EQ(engine_.counts, (std::vector<std::string>{name_, name_}));
  EXPECT_TRUE(told_.empty());
  EXPECT_NE(hub_.shard(0).publish_gate().queued(), 0U) << "queries that wait are counted";
  engine_.sink.counted(2, {3, {kEpoch, 4}, true});
  engine_.sink.counted(1, {1, {kEpoch, 6}, false});
  engine_.sink.counted(3, {});
  hub_.settle();
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(told_[0].members, 4U);
  EXPECT_EQ(told_[0].last, (Position{kEpoch, 5}));
  EXPECT_TRUE(told_[0].complete);
  EXPECT_EQ(told_[1].members, 2U);
  EXPECT_EQ(told_[1].last, (Position{kEpoch, 6}));
  EXPECT_FALSE(told_[1].complete);
}

TEST_F(ShardCounts, Query_DoesNotWaitForPublishes) {
  open(0);
  hub_.shard(0).publish(name_, frame_of("a"));
  query(0);
  query(1);
  hub_.settle();
  engine_.sink.counted(1, {0, {}, false});
  engine_.sink.counted(2, {0, {}, false});
  hub_.settle();
  EXPECT_EQ(told_.size(), 2U);
  EXPECT_TRUE(member_.received.empty());
}

TEST_F(ShardCounts, QueryOfARoomThatIsNotHere_IsAskedToo) {
  open(0);
  const std::string elsewhere = hub_.room_at(0, 1);
  hub_.shard(0).query(elsewhere, std::make_unique<Query>(told_));
  EXPECT_EQ(engine_.counts, (std::vector<std::string>{elsewhere}));
  engine_.sink.counted(1, {2, {kEpoch, 9}, true});
  hub_.settle();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].members, 2U);
  EXPECT_EQ(told_[0].last, (Position{kEpoch, 9}));
  EXPECT_EQ(hub_.shard(0).home_count(), 1U) << "a query opens no room";
}

TEST_F(ShardCounts, QueryWithoutMemory_IsAskedAgain) {
  open(0);
  query(1);
  engine_.out_of_memory = true;
  hub_.shard(0).drain();
  EXPECT_TRUE(hub_.shard(0).retry_needed());
  engine_.out_of_memory = false;
  hub_.settle();
  engine_.sink.counted(1, {});
  hub_.settle();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].members, 1U);
}

}  // namespace
}  // namespace wsd::hub
