// Pages of a room's members on other nodes.
#include "engine/room_lists.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/rooms_rig.h"

namespace wsd::engine {
namespace {

using Ids = std::vector<std::string>;

class RoomListsTest : public TwoNodesRig {
 protected:
  RoomListsTest() { nodes.reserve(3); }
  void start_settled() {
    start_both();
    advance(RoomCounts::kSettlesMs);
  }
  static hub::ListTicket ask(Node& node, const MembersQuery& query = {},
                             const std::string& name = "r") {
    const hub::ListTicket ticket = node.rooms().list(name, query);
    EXPECT_FALSE(node.lists.contains(ticket)) << "it is answered later";
    return ticket;
  }
  // Asks, and returns the answer, which has come without waiting.
  RoomMembers list(Node& node, const MembersQuery& query = {}, const std::string& name = "r") {
    const hub::ListTicket ticket = ask(node, query, name);
    run();
    EXPECT_TRUE(node.lists.contains(ticket));
    return node.lists[ticket];
  }
  static Ids ids_of(const RoomMembers& page) {
    Ids ids;
    for (const RoomMember& each : page.members) ids.push_back(each.id);
    return ids;
  }
  [[nodiscard]] std::uint64_t questions() const { return server.calls("spublish"); }

  Node c{3, network};
};

TEST_F(RoomListsTest, ThreeNodes_AreMerged_WithoutTheAsker) {
  start_settled();
  start(c);
  c.open("r");
  run();
  a.members = {{"1", "own"}};
  b.members = {{"2", "two"}, {"5", ""}};
  c.members = {{"3", "three \" 1:x \n\xC3\xA9"}};
  const RoomMembers page = list(a);
  EXPECT_EQ(ids_of(page), (Ids{"2", "3", "5"}));
  ASSERT_EQ(page.members.size(), 3U);
  EXPECT_EQ(page.members[0].info, "two");
  EXPECT_EQ(page.members[1].info, "three \" 1:x \n\xC3\xA9");
  EXPECT_EQ(page.members[2].info, "");
  EXPECT_FALSE(page.more);
  EXPECT_TRUE(page.presence);
  EXPECT_EQ(a.told("r"), Told{}) << "a question is not a message, and the room stays live";
  EXPECT_EQ(b.told("r"), Told{});
}

TEST_F(RoomListsTest, AllNodesWithNothing_AreComplete) {
  start_settled();
  const RoomMembers page = list(a);
  EXPECT_TRUE(page.members.empty());
  EXPECT_TRUE(page.complete);
  EXPECT_TRUE(list(a, {}, "empty").complete);
}

TEST_F(RoomListsTest, LimitAndAfter_SelectThePage) {
  start_settled();
  b.members = {{"1", ""}, {"2", ""}, {"3", ""}};
  const RoomMembers first = list(a, {2, ""});
  EXPECT_EQ(ids_of(first), (Ids{"1", "2"}));
  EXPECT_TRUE(first.more);
  b.members.erase("2");  // its id still names the place
  const RoomMembers second = list(a, {2, "2"});
  EXPECT_EQ(ids_of(second), Ids{"3"});
  EXPECT_FALSE(second.more);
}

TEST_F(RoomListsTest, Position_IsTheLowestOfAllNodes) {
  start_settled();
  start(c);
  c.open("r");
  run();
  b.room("r").home.continue_after({5, 9});
  c.room("r").home.continue_after({5, 7});
  EXPECT_EQ(list(a).last, (Position{5, 7}));
}

TEST_F(RoomListsTest, AnswerIsLimitedInBytes_AndThePagesGoOn) {
  start_settled();
  for (int i = 0; i < 1'000; ++i) {
    b.members[std::to_string(100'000 + i)] = std::string(kMaxMemberInfoBytes, 'x');
  }
  Ids seen;
  for (RoomMembers page; seen.empty() || page.more;) {
    page = list(a, {1'000, seen.empty() ? "" : seen.back()});
    ASSERT_FALSE(page.members.empty());
    EXPECT_LE(page.members.size() * kMaxMemberInfoBytes, RoomLists::kMostAnswerBytes);
    const Ids ids = ids_of(page);
    seen.insert(seen.end(), ids.begin(), ids.end());
  }
  EXPECT_EQ(seen.size(), 1'000U);
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST_F(RoomListsTest, NodeThatDoesNotAnswer_IsMissedAfter200Ms) {
  start_settled();
  start(c);
  c.open("r");
  run();
  b.members = {{"1", ""}};
  c.members = {{"2", ""}};
  c.rooms().hold_back(true);  // its link is not read
  const hub::ListTicket ticket = ask(a);
  run();
  advance(RoomLists::kAnswerMs - 1);
  EXPECT_FALSE(a.lists.contains(ticket));
  advance(1);
  ASSERT_TRUE(a.lists.contains(ticket));
  EXPECT_EQ(ids_of(a.lists[ticket]), Ids{"1"});
  EXPECT_FALSE(a.lists[ticket].complete);
}

// A node of an older version does not answer either.
TEST_F(RoomListsTest, NodeWithoutPresence_MakesTheListIncomplete) {
  start_settled();
  b.presence = false;
  b.members = {{"1", ""}};
  const hub::ListTicket ticket = ask(a);
  run();
  advance(RoomLists::kAnswerMs);
  ASSERT_TRUE(a.lists.contains(ticket));
  EXPECT_TRUE(a.lists[ticket].members.empty());
  EXPECT_FALSE(a.lists[ticket].complete);
}

TEST_F(RoomListsTest, WithoutALink_TheListIsIncompleteAtOnce) {
  start_settled();
  b.members = {{"1", ""}};
  server.stop();
  const hub::ListTicket under_way = ask(a);
  run();
  network.cut_all("Connection reset by peer", true);
  run();
  ASSERT_TRUE(a.lists.contains(under_way));
  EXPECT_FALSE(a.lists[under_way].complete);
  EXPECT_FALSE(list(a).complete);
  server.go_on();
  for (Node* const node : {&a, &b}) node->connect();
  run();
  const RoomMembers early = list(a);
  EXPECT_EQ(ids_of(early), Ids{"1"});
  EXPECT_FALSE(early.complete) << "another node may not be back yet";
  advance(RoomCounts::kSettlesMs);
  EXPECT_TRUE(list(a).complete);
}

TEST_F(RoomListsTest, ErrorOfTheServer_IsIncomplete) {
  start_settled();
  server.faults.denied = {"spublish"};
  EXPECT_FALSE(list(a).complete);
}

TEST_F(RoomListsTest, EqualQuestionsOfATurn_AreOneQuestion) {
  start_settled();
  b.members = {{"1", ""}};
  server.reset_calls();
  const hub::ListTicket first = ask(a);
  const hub::ListTicket second = ask(a);
  const hub::ListTicket next = ask(a, {5, "1"});
  run();
  EXPECT_EQ(questions(), 4U) << "two questions and their answers";
  EXPECT_EQ(ids_of(a.lists[first]), Ids{"1"});
  EXPECT_EQ(ids_of(a.lists[second]), Ids{"1"});
  EXPECT_TRUE(a.lists[next].members.empty());
}

TEST_F(RoomListsTest, MoreQuestionsThanTheLimit_AreIncompleteAtOnce) {
  start_settled();
  server.stop();
  std::vector<hub::ListTicket> tickets;
  for (std::uint32_t i = 0; i < RoomLists::kMostQuestions; ++i)
    tickets.push_back(ask(a, {i + 1, ""}));
  const hub::ListTicket over = ask(a, {500, ""});
  run();
  EXPECT_EQ(a.lists.size(), 1U);
  EXPECT_FALSE(a.lists[over].complete);
  server.go_on();
  run();
  for (const hub::ListTicket each : tickets) EXPECT_TRUE(a.lists[each].complete);
  EXPECT_TRUE(list(a).complete);
}

TEST_F(RoomListsTest, CountsAndLists_ShareTheChannelOfAnswers) {
  start_settled();
  b.room("r").home.add(0);
  b.members = {{"1", ""}};
  const std::string channel = "wsd1:{r}?00000001.0";
  EXPECT_EQ(ids_of(list(a)), Ids{"1"});
  const hub::CountTicket count = a.rooms().count("r");
  run();
  EXPECT_EQ(a.counts[count].members, 1U);
  EXPECT_EQ(server.subscribers(channel), 1U);
  advance(RoomCounts::kKeptMs);
  EXPECT_EQ(server.subscribers(channel), 0U);
  EXPECT_EQ(ids_of(list(a)), Ids{"1"});
}

TEST_F(RoomListsTest, MalformedQuestions_HaveNoAnswer) {
  start_settled();
  const auto before = server.calls("spublish");
  const std::vector<std::string> texts = {"?00000002.0 1 0 ",
                                          "?00000002.0 1 1001 ",
                                          "?00000002.0 1 -1 ",
                                          "?00000002.0 x 5 ",
                                          "?} 1 5 ",
                                          "? 1 5 ",
                                          "?00000002.0 1 4294967297 ",
                                          "?00000002.0 1 5 " + std::string(65, 'a')};
  for (const std::string& text : texts) server.execute({"SPUBLISH", "wsd1:{r}", text});
  run();
  EXPECT_EQ(server.calls("spublish"), before + texts.size());
  EXPECT_EQ(a.told("r"), Told{});
}

TEST_F(RoomListsTest, MalformedAnswers_AreLeftOut) {
  start_settled();
  start(c);
  c.open("r");
  run();
  c.rooms().hold_back(true);
  const hub::ListTicket ticket = ask(a, {2, "1"});
  run();
  const std::string long_info(257, 'x');
  const std::vector<std::string> texts = {"m",
                                          "m1",
                                          "m1 0",
                                          "m1 2 5-6 ",
                                          "m1 0 5 ",
                                          "m2 0 5-6 ",
                                          "m1 1 5-6 ",
                                          "m1 0 5-6 2",
                                          "m1 0 5-6 2 3",
                                          "m1 0 5-6 2 3:ab",
                                          "m1 0 5-6 1 0:",
                                          "m1 0 5-6 3 0:2 0:",
                                          "m1 0 5-6 2 0:2 0:",
                                          "m1 0 5-6 2 0:3 0:4 0:",
                                          "m1 0 5-6 x 0:",
                                          "m1 0 5-6 2 257:" + long_info,
                                          "m1 0 5-6 2 -1:"};
  for (const std::string& text : texts) {
    server.execute({"SPUBLISH", "wsd1:{r}?00000001.0", text});
    run();
    EXPECT_FALSE(a.lists.contains(ticket)) << text;
  }
  server.execute({"SPUBLISH", "wsd1:{r}?00000001.0", "m1 0 5-6 2 3:a b3f 0:"});
  run();
  ASSERT_TRUE(a.lists.contains(ticket));
  EXPECT_EQ(ids_of(a.lists[ticket]), (Ids{"2", "3f"}));
}

}  // namespace
}  // namespace wsd::engine
