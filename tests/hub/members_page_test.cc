// Pages of members that several nodes have told.
#include "hub/members_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace wsd::hub {
namespace {

RoomMembers page_of(const std::vector<std::string>& ids, bool more = false,
                    const Position& last = {}) {
  RoomMembers page;
  page.presence = true;
  page.more = more;
  page.last = last;
  for (const std::string& id : ids) page.members.push_back({id, "info of " + id});
  return page;
}

std::vector<std::string> ids_of(const RoomMembers& page) {
  std::vector<std::string> ids;
  for (const RoomMember& each : page.members) {
    EXPECT_EQ(each.info, "info of " + each.id);
    ids.push_back(each.id);
  }
  return ids;
}

using Ids = std::vector<std::string>;

TEST(MembersPage, TwoPages_AreOneInOrder) {
  RoomMembers page = page_of({"a", "d"});
  merge_members(page, page_of({"b", "c", "e"}), 10);
  EXPECT_EQ(ids_of(page), (Ids{"a", "b", "c", "d", "e"}));
  EXPECT_FALSE(page.more);
}

TEST(MembersPage, MoreThanTheLimit_AreCut) {
  RoomMembers page = page_of({"a", "d"});
  merge_members(page, page_of({"b", "c"}), 3);
  EXPECT_EQ(ids_of(page), (Ids{"a", "b", "c"}));
  EXPECT_TRUE(page.more);
}

TEST(MembersPage, ShortPageWithMore_EndsThePage) {
  RoomMembers page = page_of({"a", "d"});
  merge_members(page, page_of({"b"}, true), 10);
  EXPECT_EQ(ids_of(page), (Ids{"a", "b"}));
  EXPECT_TRUE(page.more);
  RoomMembers other = page_of({"b"}, true);
  merge_members(other, page_of({"a", "d"}), 10);
  EXPECT_EQ(ids_of(other), ids_of(page));
  EXPECT_TRUE(other.more);
}

TEST(MembersPage, EmptyPage_ChangesNothing) {
  RoomMembers page = page_of({"a"}, true, {5, 1});
  merge_members(page, page_of({}), 10);
  EXPECT_EQ(ids_of(page), Ids{"a"});
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.last, (Position{5, 1}));
}

TEST(MembersPage, Position_IsTheLowerOne_AndAllZerosIsNone) {
  const auto merged = [](const Position& a, const Position& b) {
    RoomMembers page = page_of({}, false, a);
    merge_members(page, page_of({}, false, b), 1);
    return page.last;
  };
  EXPECT_EQ(merged({5, 9}, {5, 3}), (Position{5, 3}));
  EXPECT_EQ(merged({5, 3}, {5, 9}), (Position{5, 3}));
  EXPECT_EQ(merged({5, 9}, {6, 1}), (Position{5, 9}));
  EXPECT_EQ(merged({}, {6, 1}), (Position{6, 1}));
  EXPECT_EQ(merged({6, 1}, {}), (Position{6, 1}));
}

TEST(MembersPage, IncompletePage_MakesTheResultIncomplete) {
  RoomMembers page = page_of({"a"});
  RoomMembers other = page_of({"b"});
  other.complete = false;
  merge_members(page, std::move(other), 10);
  EXPECT_FALSE(page.complete);
}

// A client that follows the pages sees each member once, however many members each node tells.
TEST(MembersPage, PagesOfThreeNodes_ListEachMemberOnce) {
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  for (int round = 0; round < 300; ++round) {
    std::vector<Ids> nodes(3);
    Ids all;
    for (int i = 0; i < 40; ++i) {
      const std::string id = std::to_string(1'000 + i);
      nodes[random() % 3].push_back(id);
      all.push_back(id);
    }
    const auto limit = static_cast<std::uint32_t>(1 + random() % 12);
    Ids seen;
    for (bool more = true; more;) {
      const std::string after = seen.empty() ? "" : seen.back();
      std::vector<RoomMembers> pages;
      for (const Ids& node : nodes) {
        Ids ids(std::upper_bound(node.begin(), node.end(), after), node.end());
        const std::size_t told = 1 + random() % limit;  // bounded in bytes, at least one
        const bool cut = ids.size() > told;
        if (cut) ids.resize(told);
        pages.push_back(page_of(ids, cut));
      }
      RoomMembers page = std::move(pages[0]);
      merge_members(page, std::move(pages[1]), limit);
      merge_members(page, std::move(pages[2]), limit);
      ASSERT_LE(page.members.size(), limit);
      ASSERT_TRUE(!page.more || !page.members.empty());
      const Ids ids = ids_of(page);
      seen.insert(seen.end(), ids.begin(), ids.end());
      more = page.more;
    }
    ASSERT_EQ(seen, all);
  }
}

}  // namespace
}  // namespace wsd::hub
