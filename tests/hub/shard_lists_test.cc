// Pages of a room's members, of which an order engine has those of other nodes.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_member.h"
#include "hub/fake_order_engine.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

constexpr std::uint64_t kEpoch = 7;

class Encoder final : public PresenceEncoder {
 public:
  SharedBytes presence_frame(const PresenceEvent& event) override {
    return frame_of(std::string(event.info));
  }
};

class Query final : public MembersCallback {
 public:
  explicit Query(std::vector<RoomMembers>& told) : told_(told) {}
  void run(const RoomMembers& members) noexcept override { told_.push_back(members); }

 private:
  std::vector<RoomMembers>& told_;
};

Shard::Options with_presence() {
  Shard::Options options;
  options.presence = true;
  options.node = 0x5000;
  return options;
}

// Two shards with order engines. The first one is the home of a room, and has one member.
class ShardLists : public testing::Test {
 protected:
  ShardLists()
      : hub_(2, with_presence()),
        engine_(hub_.shard(0)),
        other_engine_(hub_.shard(1)),
        name_(hub_.room_at(0)) {
    for (std::uint32_t i = 0; i < 2; ++i) hub_.shard(i).set_presence_encoder(&encoder_);
    hub_.shard(0).add(member_);
    hub_.shard(0).join(member_, name_, {}, "here");
    hub_.settle();
    engine_.begin({kEpoch, 5});
    hub_.settle();
    engine_.place({kEpoch, 6});
    hub_.settle();
  }
  ~ShardLists() override {
    hub_.shard(0).remove(member_);
    hub_.settle();
    while (!engine_.taken.empty()) engine_.fail(PublishFailure::kRefused);
    hub_.settle();
    engine_.sink.closed(*engine_.room, false);
    hub_.settle();
    EXPECT_EQ(hub_.shard(0).publish_gate().queued(), 0U);
  }
  void query(std::uint32_t shard, const MembersQuery& query = {}) {
    hub_.shard(shard).members(name_, query, std::make_unique<Query>(told_));
    hub_.settle();
  }
  // The other nodes have told these members.
  static RoomMembers others(const std::vector<std::string>& ids, const Position& last) {
    RoomMembers page;
    page.presence = true;
    page.last = last;
    for (const std::string& id : ids) page.members.push_back({id, ""});
    return page;
  }
  static std::vector<std::string> ids_of(const RoomMembers& page) {
    std::vector<std::string> ids;
    for (const RoomMember& each : page.members) ids.push_back(each.id);
    return ids;
  }

  Encoder encoder_;
  ManualHub hub_;
  FakeOrderEngine engine_;
  FakeOrderEngine other_engine_;
  std::string name_;
  FakeMember member_;
  std::vector<RoomMembers> told_;
};

TEST_F(ShardLists, Page_HasTheMembersOfAllNodes_AndTheLowestPosition) {
  query(0);
  query(1, {1, "x"});
  ASSERT_EQ(engine_.lists.size(), 2U);
  EXPECT_EQ(engine_.lists[0].first, name_);
  EXPECT_EQ(engine_.lists[1].second.after, "x");
  EXPECT_TRUE(told_.empty());
  EXPECT_NE(hub_.shard(0).publish_gate().queued(), 0U) << "queries that wait are counted";
  engine_.sink.listed(1, others({"0", "f"}, {kEpoch, 4}));
  engine_.sink.listed(3, {});
  hub_.settle();
  ASSERT_EQ(told_.size(), 1U);
  const std::string here = member_id(0x5000, member_.id());
  EXPECT_EQ(ids_of(told_[0]), (std::vector<std::string>{"0", here, "f"}));
  EXPECT_EQ(told_[0].members[1].info, "here");
  EXPECT_EQ(told_[0].last, (Position{kEpoch, 4}));
  EXPECT_TRUE(told_[0].complete);
  RoomMembers incomplete;
  incomplete.complete = false;
  engine_.sink.listed(2, std::move(incomplete));
  hub_.settle();
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_TRUE(told_[1].members.empty()) << "all ids are before x";
  EXPECT_EQ(told_[1].last, (Position{kEpoch, 6}));
  EXPECT_FALSE(told_[1].complete);
}

// A message of another node may arrive after its page, and before the answer.
TEST_F(ShardLists, Position_IsThatOfTheQuestion) {
  query(0);
  engine_.sink.listed(1, {});
  engine_.arrive({kEpoch, 7}, "+of another node");
  hub_.settle();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].last, (Position{kEpoch, 6}));
}

TEST_F(ShardLists, OtherNodes_GetThisNodesPage) {
  const RoomMembers page = engine_.sink.members_of(*engine_.room, {});
  EXPECT_EQ(ids_of(page), std::vector<std::string>{member_id(0x5000, member_.id())});
  EXPECT_EQ(page.last, (Position{kEpoch, 6}));
  EXPECT_TRUE(page.presence);
}

TEST_F(ShardLists, LimitAndAfter_AreCutForTheOtherNodes) {
  query(0, {0, std::string(1'000, 'f')});
  query(0, {5'000, ""});
  ASSERT_EQ(engine_.lists.size(), 2U);
  EXPECT_EQ(engine_.lists[0].second.limit, 1U);
  EXPECT_EQ(engine_.lists[0].second.after, std::string(64, 'f'));
  EXPECT_EQ(engine_.lists[1].second.limit, kMaxMembersPage);
  engine_.sink.listed(1, {});
  engine_.sink.listed(2, {});
  hub_.settle();
  EXPECT_EQ(told_.size(), 2U);
}

TEST_F(ShardLists, RoomThatIsNotHere_HasThePositionOfOtherNodes) {
  const std::string elsewhere = hub_.room_at(0, 1);
  hub_.shard(0).members(elsewhere, {}, std::make_unique<Query>(told_));
  hub_.settle();
  ASSERT_EQ(engine_.lists.size(), 1U);
  engine_.sink.listed(1, others({"a"}, {kEpoch, 9}));
  hub_.settle();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].last, (Position{kEpoch, 9}));
  EXPECT_EQ(ids_of(told_[0]), std::vector<std::string>{"a"});
}

TEST_F(ShardLists, QueryWithoutMemory_IsAskedAgain) {
  hub_.shard(1).members(name_, {}, std::make_unique<Query>(told_));
  engine_.out_of_memory = true;
  hub_.shard(0).drain();
  EXPECT_TRUE(hub_.shard(0).retry_needed());
  engine_.out_of_memory = false;
  hub_.settle();
  ASSERT_FALSE(engine_.lists.empty());
  engine_.sink.listed(engine_.lists.size(), {});
  hub_.settle();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].members.size(), 1U);
}

}  // namespace
}  // namespace wsd::hub
