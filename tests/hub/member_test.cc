#include "hub/member.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "hub/room_table.h"

namespace wsd::hub {
namespace {

std::vector<const LocalRoom*> rooms_of(const Memberships& memberships) {
  std::vector<const LocalRoom*> rooms;
  for (std::size_t i = 0; i < memberships.size(); ++i) rooms.push_back(memberships.at(i).room);
  return rooms;
}

using Rooms = std::vector<const LocalRoom*>;

TEST(Memberships, AreInTheOrderOfJoining) {
  LocalRoom a;
  LocalRoom b;
  LocalRoom c;
  Memberships memberships;
  EXPECT_TRUE(memberships.empty());
  EXPECT_EQ(memberships.size(), 0U);
  memberships.add({&a, Membership::kPending, 1});
  memberships.add({&b, 7, 2});
  memberships.add({&c, 8, 3});
  EXPECT_FALSE(memberships.empty());
  EXPECT_EQ(rooms_of(memberships), (Rooms{&a, &b, &c}));
  EXPECT_EQ(memberships.at(1).index, 7U);
  EXPECT_EQ(memberships.at(2).token, 3U);
}

TEST(Memberships, KeepTheOrderOfTheOthersWhenOneGoes) {
  LocalRoom a;
  LocalRoom b;
  LocalRoom c;
  Memberships memberships;
  for (LocalRoom* room : {&a, &b, &c}) memberships.add({room, 0, 0});
  memberships.remove(&b);
  EXPECT_EQ(rooms_of(memberships), (Rooms{&a, &c}));
  memberships.add({&b, 0, 0});
  memberships.remove(&a);
  EXPECT_EQ(rooms_of(memberships), (Rooms{&c, &b}));
  memberships.remove(&a);  // not there
  EXPECT_EQ(rooms_of(memberships), (Rooms{&c, &b}));
  memberships.remove(&c);
  memberships.remove(&b);
  EXPECT_TRUE(memberships.empty());
}

TEST(Memberships, FindGivesTheEntryItself) {
  LocalRoom a;
  LocalRoom b;
  LocalRoom c;
  Memberships memberships;
  memberships.add({&a, 0, 0});
  EXPECT_EQ(memberships.find(&b), nullptr);
  memberships.add({&b, 0, 0});
  ASSERT_NE(memberships.find(&a), nullptr);
  ASSERT_NE(memberships.find(&b), nullptr);
  memberships.find(&a)->index = 4;
  memberships.find(&b)->index = 5;
  EXPECT_EQ(memberships.at(0).index, 4U);
  EXPECT_EQ(memberships.at(1).index, 5U);
  EXPECT_EQ(memberships.find(&c), nullptr);
}

TEST(Memberships, LeavingMembership_IsFoundOnlyByItsTokenOrAsJoined) {
  LocalRoom a;
  LocalRoom b;
  Memberships memberships;
  memberships.add({&a, 3, 1});
  EXPECT_FALSE(memberships.is_leaving());
  memberships.begin_leave(&a);
  EXPECT_TRUE(memberships.is_leaving());
  EXPECT_TRUE(memberships.empty());
  EXPECT_EQ(memberships.find(&a), nullptr);
  ASSERT_NE(memberships.find_joined(&a), nullptr);
  EXPECT_EQ(memberships.find_joined(&a)->token, 1U);
  EXPECT_EQ(memberships.find_joined(&b), nullptr);
  memberships.add({&a, Membership::kPending, 2});
  EXPECT_EQ(memberships.find(&a)->token, 2U);
  EXPECT_EQ(memberships.find_joined(&a)->token, 1U) << "the new one has not joined yet";
  EXPECT_EQ(memberships.find_token(1)->index, 3U);
  EXPECT_EQ(memberships.find_token(2)->index, Membership::kPending);
  EXPECT_EQ(memberships.find_token(3), nullptr);
  EXPECT_EQ(memberships.end_leave(2).room, nullptr) << "it is not leaving";
  EXPECT_EQ(memberships.end_leave(1).room, &a);
  EXPECT_FALSE(memberships.is_leaving());
  EXPECT_EQ(rooms_of(memberships), Rooms{&a});
}

TEST(Memberships, LeavesEndInAnyOrder) {
  LocalRoom room;
  std::mt19937 random(3);
  Memberships memberships;
  std::vector<std::uint32_t> tokens;
  std::uint32_t last = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0 || tokens.empty()) {
      memberships.add({&room, Membership::kPending, ++last});
      memberships.begin_leave(&room);
      tokens.push_back(last);
    } else {
      const auto at =
          static_cast<std::ptrdiff_t>(random() % std::min<std::size_t>(3, tokens.size()));
      const std::uint32_t token = tokens[static_cast<std::size_t>(at)];
      ASSERT_EQ(memberships.find_token(token)->token, token);
      ASSERT_EQ(memberships.end_leave(token).token, token);
      ASSERT_EQ(memberships.end_leave(token).room, nullptr);
      tokens.erase(tokens.begin() + at);
    }
    ASSERT_EQ(memberships.is_leaving(), !tokens.empty());
    ASSERT_TRUE(memberships.empty());
  }
  for (; memberships.is_leaving(); tokens.pop_back()) {
    ASSERT_EQ(memberships.end_any_leave().room, &room);
  }
  EXPECT_TRUE(tokens.empty());
}

TEST(Memberships, RandomScriptMatchesAList) {
  std::array<LocalRoom, 6> rooms;
  std::mt19937 random(2);
  Memberships memberships;
  Rooms model;
  for (int step = 0; step < 20'000; ++step) {
    LocalRoom* const room = &rooms[random() % rooms.size()];
    const auto at = std::find(model.begin(), model.end(), room);
    ASSERT_EQ(memberships.find(room) != nullptr, at != model.end());
    if (at == model.end()) {
      memberships.add({room, 0, 0});
      model.push_back(room);
    } else {
      memberships.remove(room);
      model.erase(at);
    }
    ASSERT_EQ(rooms_of(memberships), model);
    ASSERT_EQ(memberships.empty(), model.empty());
  }
}

}  // namespace
}  // namespace wsd::hub
