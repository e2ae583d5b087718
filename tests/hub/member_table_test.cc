// Ids of members: unique for ever, and found only while their member is in the table.
#include "hub/member_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

std::uint32_t generation_of(ConnectionId id) { return static_cast<std::uint32_t>(id >> 32); }

TEST(MemberTable, Add_GivesAnIdThatNamesShardAndSlot) {
  MemberTable table(200);
  FakeMember a;
  FakeMember b;
  const ConnectionId first = table.add(a);
  const ConnectionId second = table.add(b);
  EXPECT_EQ(a.id(), first);
  EXPECT_EQ(shard_of(first), 200U);
  EXPECT_EQ(shard_of(second), 200U);
  EXPECT_EQ(slot_of(first), 0U);
  EXPECT_EQ(slot_of(second), 1U);
  EXPECT_EQ(table.find(first), &a);
  EXPECT_EQ(table.find(second), &b);
  EXPECT_EQ(table.size(), 2U);
}

TEST(MemberTable, NoIdIsZero) {
  MemberTable table(0);
  FakeMember a;
  EXPECT_NE(table.add(a), 0U);
}

// Visits the members in portions, while others come and go.
TEST(MemberTable, Visit_SeesEachLastingMemberOnce) {
  MemberTable table(3);
  std::vector<std::unique_ptr<FakeMember>> lasting;
  std::vector<std::unique_ptr<FakeMember>> passing;
  for (int i = 0; i < 100; ++i) {
    lasting.push_back(std::make_unique<FakeMember>());
    table.add(*lasting.back());
    passing.push_back(std::make_unique<FakeMember>());
    table.add(*passing.back());
  }
  std::multiset<const Member*> seen;
  std::size_t portions = 0;
  std::size_t next = 0;
  while (next != MemberTable::kNoMoreSlots) {
    std::size_t visited = 0;
    std::size_t wanted = 1 + portions % 3;
    next = table.visit(next, 7, [&](Member& member) {
      ++visited;
      seen.insert(&member);
      return --wanted != 0;
    });
    EXPECT_LE(visited, 1 + portions % 3);
    if (portions < passing.size()) table.remove(*passing[portions]);
    ++portions;
  }
  for (const auto& each : lasting) EXPECT_EQ(seen.count(each.get()), 1U);
  EXPECT_EQ(table.visit(5'000, 7, [](Member&) { return true; }), MemberTable::kNoMoreSlots);
  EXPECT_EQ(MemberTable(1).visit(0, 7, [](Member&) { return true; }), MemberTable::kNoMoreSlots);
}

TEST(MemberTable, Find_ReturnsNullForUnknownIds) {
  MemberTable table(1);
  EXPECT_EQ(table.find(0), nullptr);
  FakeMember a;
  const ConnectionId id = table.add(a);
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(~ConnectionId{0}), nullptr);
  EXPECT_EQ(table.find(id + 1), nullptr) << "another slot";
  EXPECT_EQ(table.find(id + (ConnectionId{1} << 24)), nullptr) << "another shard";
  EXPECT_EQ(table.find(id + (ConnectionId{1} << 32)), nullptr) << "another generation";
}

TEST(MemberTable, FormerId_DoesNotFindTheNextMemberOfTheSlot) {
  MemberTable table(1);
  FakeMember a;
  FakeMember b;
  const ConnectionId former = table.add(a);
  table.remove(a);
  EXPECT_EQ(table.find(former), nullptr);
  const ConnectionId next = table.add(b);
  EXPECT_EQ(slot_of(next), slot_of(former));
  EXPECT_EQ(generation_of(next), generation_of(former) + 1);
  EXPECT_EQ(table.find(former), nullptr);
  EXPECT_EQ(table.find(next), &b);
}

// An id of that slot and of the largest generation, as after 2^32 - 2 members.
ConnectionId last_of_slot(ConnectionId id) {
  return ConnectionId{MemberTable::kLastGeneration} << 32 | (id & 0xFFFF'FFFF);
}

TEST(MemberTable, ExhaustedSlot_IsNeverUsedAgain) {
  MemberTable table(0);
  FakeMember a;
  FakeMember b;
  const ConnectionId first = table.add(a);
  const ConnectionId second = table.add(b);
  a.set_id(last_of_slot(first));
  EXPECT_EQ(table.find(a.id()), &a);
  table.remove(a);
  EXPECT_EQ(table.find(last_of_slot(first)), nullptr);
  FakeMember next;
  EXPECT_EQ(slot_of(table.add(next)), 2U) << "not the exhausted slot, whose next id would be 0";
  EXPECT_EQ(table.find(0), nullptr);
  table.remove(b);
  FakeMember again;
  EXPECT_EQ(slot_of(table.add(again)), slot_of(second)) << "other slots go on";
  std::size_t visited = 0;
  table.for_each([&](const Member&) { ++visited; });
  EXPECT_EQ(visited, 2U);
  EXPECT_EQ(table.size(), 2U);
  table.remove(next);
  table.remove(again);
}

TEST(MemberTable, Generations_CountForEachSlot) {
  MemberTable table(1);
  std::set<ConnectionId> seen;
  std::vector<std::unique_ptr<FakeMember>> members;
  for (int round = 1; round <= 50; ++round) {
    for (int i = 0; i < 20; ++i) {
      members.push_back(std::make_unique<FakeMember>());
      const ConnectionId id = table.add(*members.back());
      EXPECT_TRUE(seen.insert(id).second);
      EXPECT_LT(slot_of(id), 20U) << "free slots come first";
      EXPECT_EQ(generation_of(id), static_cast<std::uint32_t>(round));
    }
    for (const auto& each : members) table.remove(*each);
    for (const auto& each : members) EXPECT_EQ(table.find(each->id()), nullptr);
    members.clear();
    EXPECT_EQ(table.size(), 0U);
  }
}

TEST(MemberTable, Shrink_KeepsMembersAndNeverRepeatsAnId) {
  MemberTable table(1);
  std::set<ConnectionId> seen;
  std::vector<std::unique_ptr<FakeMember>> members;
  for (int round = 0; round < 5; ++round) {
    while (members.size() < 2'000) {
      members.push_back(std::make_unique<FakeMember>());
      EXPECT_TRUE(seen.insert(table.add(*members.back())).second) << "a new id";
    }
    while (members.size() > 20) {
      table.remove(*members.back());
      members.pop_back();
    }
    table.remove(*members[3]);
    members.erase(members.begin() + 3);
    table.shrink();
    EXPECT_EQ(table.size(), 19U);
    for (const auto& each : members) EXPECT_EQ(table.find(each->id()), each.get());
    std::set<Member*> visited;
    table.for_each([&](Member& each) { visited.insert(&each); });
    EXPECT_EQ(visited.size(), 19U);
  }
  FakeMember next;
  const ConnectionId id = table.add(next);
  EXPECT_LT(slot_of(id), 20U) << "the free slot is used before a new one";
  for (const ConnectionId each : seen) EXPECT_NE(each, id);
}

TEST(MemberTable, Remove_FromTheMiddleKeepsTheOthers) {
  MemberTable table(1);
  std::vector<std::unique_ptr<FakeMember>> members;
  for (int i = 0; i < 9; ++i) {
    members.push_back(std::make_unique<FakeMember>());
    table.add(*members.back());
  }
  for (const std::size_t gone : {4U, 0U, 8U}) table.remove(*members[gone]);
  std::set<Member*> visited;
  table.for_each([&](Member& each) { EXPECT_TRUE(visited.insert(&each).second); });
  EXPECT_EQ(visited.size(), 6U);
  EXPECT_EQ(table.size(), 6U);
  for (const std::size_t stays : {1U, 2U, 3U, 5U, 6U, 7U}) {
    EXPECT_EQ(table.find(members[stays]->id()), members[stays].get());
    EXPECT_TRUE(visited.contains(members[stays].get()));
  }
  // The free slots are used again, each once, before a new one.
  std::set<std::uint32_t> slots;
  std::vector<std::unique_ptr<FakeMember>> later;
  for (int i = 0; i < 4; ++i) {
    later.push_back(std::make_unique<FakeMember>());
    slots.insert(slot_of(table.add(*later.back())));
  }
  EXPECT_EQ(slots, (std::set<std::uint32_t>{0, 4, 8, 9}));
}

}  // namespace
}  // namespace wsd::hub
