#include "hub/room_table.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

TEST(RoomTable, AJoinIsCompleteWhenTheHomeHasAnswered) {
  RoomTable table;
  FakeMember member;
  EXPECT_EQ(table.find("a"), nullptr);
  ASSERT_TRUE(table.begin_join(member, "a", 1));
  ASSERT_NE(table.find("a"), nullptr);
  EXPECT_EQ(table.find("a")->name, "a");
  EXPECT_TRUE(table.find("a")->members.empty());
  EXPECT_EQ(table.find("a")->memberships, 1U);
  EXPECT_TRUE(table.complete_join(member, 1));
  EXPECT_EQ(table.find("a")->members, std::vector<Member*>{&member});
  EXPECT_FALSE(table.complete_join(member, 1));  // once
  EXPECT_TRUE(table.leave(member, "a"));
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_EQ(table.size(), 0U);
}

TEST(RoomTable, JoiningTwiceIsJoiningOnce) {
  RoomTable table;
  FakeMember member;
  ASSERT_TRUE(table.begin_join(member, "a", 1));
  EXPECT_FALSE(table.begin_join(member, "a", 2));
  EXPECT_TRUE(table.complete_join(member, 1));
  EXPECT_FALSE(table.begin_join(member, "a", 3));
  EXPECT_EQ(member.memberships().size(), 1U);
  EXPECT_TRUE(table.leave(member, "a"));
  EXPECT_FALSE(table.leave(member, "a"));
  EXPECT_TRUE(member.memberships().empty());
}

TEST(RoomTable, ALateAnswerToAnotherJoinIsIgnored) {
  RoomTable table;
  FakeMember member;
  ASSERT_TRUE(table.begin_join(member, "a", 1));
  ASSERT_TRUE(table.leave(member, "a"));
  EXPECT_FALSE(table.complete_join(member, 1));
  ASSERT_TRUE(table.begin_join(member, "a", 2));
  EXPECT_FALSE(table.complete_join(member, 1));
  EXPECT_TRUE(table.find("a")->members.empty());
  EXPECT_TRUE(table.complete_join(member, 2));
  ASSERT_TRUE(table.leave(member, "a"));
}

TEST(RoomTable, AnAnswerForAMemberThatIsNotThereIsIgnored) {
  RoomTable table;
  FakeMember in;
  FakeMember out;
  ASSERT_TRUE(table.begin_join(in, "a", 1));
  EXPECT_FALSE(table.complete_join(out, 1));
  EXPECT_FALSE(table.complete_join(in, 2));
  EXPECT_FALSE(table.leave(out, "a"));
  EXPECT_FALSE(table.leave(in, "b"));
  ASSERT_TRUE(table.leave(in, "a"));
}

// A slow model of the table, with sets of numbers.
class Oracle {
 public:
  static constexpr std::size_t kMembers = 9;

  void step(std::mt19937& random) {
    const std::size_t who = random() % kMembers;
    const std::string room(1, static_cast<char>('a' + random() % 5));
    const std::uint32_t token = ++last_token_;
    auto& joining = joining_[room];
    auto& in = in_[room];
    const bool known = joining.contains(who) || in.contains(who);
    switch (random() % 3) {
      case 0:
        ASSERT_EQ(table_.begin_join(members_[who], room, token), !known);
        if (!known) {
          joining[who] = token;
          order_[who].push_back(room);
        }
        break;
      case 1: {
        const bool right = joining.contains(who) && random() % 4 != 0;
        const std::uint32_t answer = right ? joining[who] : token;
        ASSERT_EQ(table_.complete_join(members_[who], answer), right);
        if (right) {
          joining.erase(who);
          in.insert(who);
        }
        break;
      }
      default:
        ASSERT_EQ(table_.leave(members_[who], room), known);
        joining.erase(who);
        in.erase(who);
        std::erase(order_[who], room);
        break;
    }
  }

  void compare() {
    std::size_t rooms = 0;
    for (const auto& [room, in] : in_) {
      const std::size_t all = in.size() + joining_[room].size();
      const LocalRoom* const local = table_.find(room);
      ASSERT_EQ(local != nullptr, all != 0) << room;
      if (local == nullptr) continue;
      ++rooms;
      ASSERT_EQ(local->memberships, all);
      std::set<Member*> expected;
      for (const std::size_t who : in) expected.insert(&members_[who]);
      ASSERT_EQ(std::set<Member*>(local->members.begin(), local->members.end()), expected);
      ASSERT_EQ(local->members.size(), expected.size());
    }
    ASSERT_EQ(table_.size(), rooms);
    for (std::size_t who = 0; who < kMembers; ++who) {
      std::vector<std::string> names;
      for (std::size_t i = 0; i < members_[who].memberships().size(); ++i) {
        names.emplace_back(members_[who].memberships().at(i).room->name);
      }
      ASSERT_EQ(names, order_[who]);
    }
  }

 private:
  RoomTable table_;
  std::array<FakeMember, kMembers> members_;
  std::uint32_t last_token_ = 0;
  std::map<std::string, std::map<std::size_t, std::uint32_t>> joining_;
  std::map<std::string, std::set<std::size_t>> in_;
  std::map<std::size_t, std::vector<std::string>> order_;
};

TEST(RoomTable, RandomScriptMatchesSets) {
  std::mt19937 random(4);
  Oracle oracle;
  for (int step = 0; step < 30'000; ++step) {
    ASSERT_NO_FATAL_FAILURE(oracle.step(random)) << step;
    ASSERT_NO_FATAL_FAILURE(oracle.compare()) << step;
  }
}

}  // namespace
}  // namespace wsd::hub
