// The limits of rooms, per member and on the whole server.
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

Shard::Options limits(std::uint32_t per_member, std::uint32_t in_all) {
  Shard::Options options;
  options.max_rooms_per_member = per_member;
  options.max_rooms = in_all;
  return options;
}

using Refusals = std::vector<std::pair<std::string, JoinRefusal>>;

class RoomLimit : public ::testing::Test {
 protected:
  FakeMember& member(ManualHub& hub, std::uint32_t shard) {
    FakeMember& fresh = members_.emplace_back();
    hub.shard(shard).add(fresh);
    at_.emplace_back(&hub, shard);
    return fresh;
  }
  void end() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      at_[i].first->shard(at_[i].second).remove(members_[i]);
    }
    if (at_.empty()) return;
    ManualHub& hub = *at_.front().first;
    hub.settle();
    EXPECT_EQ(hub.hub().room_count(), 0U);
    for (std::uint32_t i = 0; i < hub.size(); ++i) {
      EXPECT_EQ(hub.shard(i).home_count(), 0U);
      EXPECT_EQ(hub.shard(i).room_count(), 0U);
    }
  }

 private:
  std::deque<FakeMember> members_;
  std::vector<std::pair<ManualHub*, std::uint32_t>> at_;
};

TEST_F(RoomLimit, PerMember_RefusesTheJoin) {
  for (const std::uint32_t shards : {1U, 2U}) {
    ManualHub hub(shards, limits(2, 0));
    FakeMember one;
    hub.shard(0).add(one);
    for (const char* room : {"a", "b", "c"}) hub.shard(0).join(one, room);
    EXPECT_EQ(one.refusals, (Refusals{{"c", JoinRefusal::kConnectionLimit}}));
    hub.settle();
    EXPECT_TRUE(one.is_in("a"));
    EXPECT_TRUE(one.is_in("b"));
    EXPECT_EQ(one.memberships().size(), 2U);
    hub.shard(0).join(one, "a");
    EXPECT_EQ(one.refusals.size(), 1U) << "the member has joined already";
    hub.shard(0).leave(one, "a");
    hub.shard(0).join(one, "c");
    hub.settle();
    EXPECT_TRUE(one.is_in("c"));
    EXPECT_EQ(one.refusals.size(), 1U);
    hub.shard(0).remove(one);
  }
}

TEST_F(RoomLimit, InAllOnOneShard) {
  ManualHub hub(1, limits(0, 2));
  FakeMember& one = member(hub, 0);
  FakeMember& other = member(hub, 0);
  for (const char* room : {"a", "b", "c"}) hub.shard(0).join(one, room);
  EXPECT_EQ(one.refusals, (Refusals{{"c", JoinRefusal::kServerLimit}}));
  EXPECT_EQ(one.memberships().size(), 2U);
  EXPECT_EQ(hub.hub().room_count(), 2U);
  hub.shard(0).join(other, "b");
  EXPECT_TRUE(other.is_in("b")) << "an existing room may be joined";
  hub.shard(0).leave(one, "a");
  hub.shard(0).join(one, "c");
  EXPECT_TRUE(one.is_in("c"));
  EXPECT_EQ(one.refusals.size(), 1U);
  end();
}

TEST_F(RoomLimit, InAllAcrossShards) {
  ManualHub hub(2, limits(0, 1));
  FakeMember& here = member(hub, 0);
  FakeMember& there = member(hub, 1);
  const std::string first = hub.room_at(0);
  const std::string second = hub.room_at(1);
  hub.shard(0).join(here, first);
  hub.settle();
  // The home of the second room is another shard, so the answer comes later.
  hub.shard(0).join(here, second);
  EXPECT_TRUE(here.refusals.empty());
  hub.settle();
  EXPECT_EQ(here.refusals, (Refusals{{second, JoinRefusal::kServerLimit}}));
  EXPECT_EQ(here.memberships().size(), 1U);
  hub.settle();
  EXPECT_EQ(hub.hub().room_count(), 1U) << "the room of the refused member has ended";
  hub.shard(1).join(there, first);
  hub.settle();
  EXPECT_TRUE(there.is_in(first));
  end();
}

// A second joiner finds a room that exists only because the first joiner is not yet notified.
TEST_F(RoomLimit, ARoomThatIsTooManyTakesNobodyIn) {
  ManualHub hub(2, limits(0, 1));
  FakeMember& keeper = member(hub, 0);
  FakeMember& first = member(hub, 0);
  FakeMember& second = member(hub, 1);
  const std::string kept = hub.room_at(0);
  const std::string wanted = hub.room_at(1);
  hub.shard(0).join(keeper, kept);
  hub.shard(0).join(first, wanted);
  hub.shard(1).drain();  // the home has answered, and the first joiner has not read the answer
  hub.shard(1).join(second, wanted);
  EXPECT_EQ(second.refusals, (Refusals{{wanted, JoinRefusal::kServerLimit}}));
  hub.settle();
  EXPECT_EQ(first.refusals, (Refusals{{wanted, JoinRefusal::kServerLimit}}));
  hub.settle();
  EXPECT_EQ(hub.hub().room_count(), 1U);
  end();
}

TEST_F(RoomLimit, ARoomIsNoLongerTooManyWhenAnotherHasGone) {
  ManualHub hub(2, limits(0, 1));
  FakeMember& keeper = member(hub, 0);
  FakeMember& first = member(hub, 0);
  FakeMember& second = member(hub, 1);
  const std::string kept = hub.room_at(0);
  const std::string wanted = hub.room_at(1);
  hub.shard(0).join(keeper, kept);
  hub.shard(0).join(first, wanted);
  hub.shard(1).drain();
  hub.shard(0).leave(keeper, kept);
  hub.shard(1).join(second, wanted);
  EXPECT_TRUE(second.is_in(wanted));
  hub.settle();
  EXPECT_EQ(first.refusals.size(), 1U) << "the room exceeded the limit at that time";
  EXPECT_TRUE(second.is_in(wanted));
  end();
}

TEST_F(RoomLimit, LeaveBeforeTheAnswer_IsNotNotifiedAndCountsOnce) {
  ManualHub hub(2, limits(0, 1));
  FakeMember& keeper = member(hub, 0);
  FakeMember& one = member(hub, 0);
  const std::string wanted = hub.room_at(1);
  hub.shard(0).join(keeper, hub.room_at(0));
  hub.shard(0).join(one, wanted);
  hub.shard(0).leave(one, wanted);
  hub.settle();
  EXPECT_TRUE(one.refusals.empty());
  // A member that leaves and joins again before the first answer is refused once.
  hub.shard(0).join(one, wanted);
  hub.shard(0).leave(one, wanted);
  hub.shard(0).join(one, wanted);
  hub.settle();
  EXPECT_EQ(one.refusals.size(), 1U);
  EXPECT_TRUE(one.memberships().empty());
  hub.settle();
  EXPECT_EQ(hub.hub().room_count(), 1U);
  end();
}

TEST_F(RoomLimit, RefusedMember_MayJoinAnotherRoomAtOnce) {
  for (const std::uint32_t shards : {1U, 2U}) {
    ManualHub hub(shards, limits(0, 1));
    FakeMember one;
    hub.shard(0).add(one);
    const std::string kept = hub.room_at(0);
    const std::string wanted = hub.room_at(shards - 1, 1);
    hub.shard(0).join(one, kept);
    one.on_refusal = [&] {
      hub.shard(0).leave(one, kept);
      hub.shard(0).join(one, wanted);
    };
    hub.shard(0).join(one, wanted);
    hub.settle();
    hub.settle();
    EXPECT_EQ(one.refusals.size(), 1U);
    EXPECT_FALSE(one.is_in(kept));
    EXPECT_TRUE(one.is_in(wanted)) << shards;
    hub.shard(0).remove(one);
  }
}

}  // namespace
}  // namespace wsd::hub
