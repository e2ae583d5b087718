// The members of a room on other nodes.
#include "engine/room_counts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "engine/rooms_rig.h"

namespace wsd::engine {
namespace {

class RoomCountsTest : public TwoNodesRig {
 protected:
  RoomCountsTest() { nodes.reserve(3); }
  // Both nodes have been connected for long enough.
  void start_settled() {
    start_both();
    advance(RoomCounts::kSettlesMs);
  }
  // The members of the hub of a node.
  static void add_members(Node& node, int count) {
    for (int i = 0; i < count; ++i) node.room("r").home.add(0);
  }
  static hub::CountTicket ask(Node& node, const std::string& name = "r") {
    const hub::CountTicket ticket = node.rooms().count(name);
    EXPECT_FALSE(node.counts.contains(ticket)) << "it is answered later";
    return ticket;
  }
  static void expect(Node& node, hub::CountTicket ticket, std::size_t members, bool complete) {
    ASSERT_TRUE(node.counts.contains(ticket));
    EXPECT_EQ(node.counts[ticket].members, members);
    EXPECT_EQ(node.counts[ticket].complete, complete);
  }
  [[nodiscard]] std::uint64_t questions() const { return server.calls("spublish"); }

  Node c{3, network};
};

TEST_F(RoomCountsTest, ThreeNodes_AreSummed_WithoutTheAsker) {
  start_settled();
  start(c);
  c.open("r");
  run();
  add_members(a, 1);
  add_members(b, 2);
  add_members(c, 4);
  b.room("r").home.continue_after({5, 9});
  const hub::CountTicket ticket = ask(a);
  run();
  expect(a, ticket, 6, true);
  EXPECT_EQ(a.counts[ticket].last, (Position{5, 9}));
  EXPECT_EQ(a.told("r"), Told{}) << "a question is not a message, and the room stays live";
  EXPECT_EQ(b.told("r"), Told{});
}

TEST_F(RoomCountsTest, AskerWithoutTheRoom_GetsAllMembers) {
  start_settled();
  start(c);
  advance(RoomCounts::kSettlesMs);
  add_members(a, 1);
  add_members(b, 2);
  const hub::CountTicket ticket = ask(c);
  const hub::CountTicket nobody = ask(c, "empty");
  run();
  expect(c, ticket, 3, true);
  expect(c, nobody, 0, true);
  EXPECT_EQ(c.counts[nobody].last, Position{});
}

TEST_F(RoomCountsTest, QuestionsWithinOneSecond_AreOneQuestion) {
  start_settled();
  add_members(b, 1);
  server.reset_calls();
  const hub::CountTicket first = ask(a);
  const hub::CountTicket second = ask(a);
  run();
  EXPECT_EQ(questions(), 2U) << "a question and an answer";
  add_members(b, 1);
  advance(RoomCounts::kFreshMs - 1);
  const hub::CountTicket third = ask(a);
  run();
  for (const hub::CountTicket each : {first, second, third}) expect(a, each, 1, true);
  EXPECT_EQ(questions(), 2U);
  advance(1);
  const hub::CountTicket fourth = ask(a);
  run();
  expect(a, fourth, 2, true);
}

TEST_F(RoomCountsTest, NodeThatDoesNotAnswer_IsMissedAfter200Ms) {
  start_settled();
  start(c);
  c.open("r");
  run();
  add_members(b, 1);
  add_members(c, 1);
  c.rooms().hold_back(true);  // its link is not read
  const hub::CountTicket ticket = ask(a);
  run();
  EXPECT_FALSE(a.counts.contains(ticket));
  advance(RoomCounts::kAnswerMs - 1);
  EXPECT_FALSE(a.counts.contains(ticket));
  advance(1);
  expect(a, ticket, 1, false);
  c.rooms().hold_back(false);
  run();
  advance(RoomCounts::kFreshMs);
  const hub::CountTicket again = ask(a);
  run();
  expect(a, again, 2, true);
}

TEST_F(RoomCountsTest, WithoutALink_TheAnswerIsIncompleteAtOnce) {
  start_settled();
  add_members(b, 1);
  server.stop();
  const hub::CountTicket under_way = ask(a);
  run();
  EXPECT_FALSE(a.counts.contains(under_way));
  network.cut_all("Connection reset by peer", true);
  run();
  expect(a, under_way, 0, false);
  const hub::CountTicket without = ask(a);
  run();
  expect(a, without, 0, false);
  server.go_on();
  for (Node* const node : {&a, &b}) node->connect();
  run();
  const hub::CountTicket early = ask(a);
  run();
  expect(a, early, 1, false);
  advance(RoomCounts::kSettlesMs);
  const hub::CountTicket after = ask(a);
  run();
  expect(a, after, 1, true);
}

TEST_F(RoomCountsTest, StoppedServer_IsIncompleteAfter200Ms) {
  start_settled();
  server.stop();
  const hub::CountTicket ticket = ask(a);
  run();
  for (Node* const node : {&a, &b}) node->at(node->now_ms + RoomCounts::kAnswerMs);
  expect(a, ticket, 0, false);
}

TEST_F(RoomCountsTest, ErrorOfTheServer_IsIncomplete) {
  start_settled();
  server.faults.denied = {"spublish"};
  const hub::CountTicket ticket = ask(a);
  run();
  expect(a, ticket, 0, false);
}

TEST_F(RoomCountsTest, ChannelOfAnswers_IsLeftAfterFiveSeconds) {
  start_settled();
  const std::string channel = "wsd1:{r}?00000001.0";
  ask(a);
  run();
  EXPECT_EQ(server.subscribers(channel), 1U);
  advance(RoomCounts::kKeptMs - 1);
  EXPECT_EQ(server.subscribers(channel), 1U);
  advance(1);
  EXPECT_EQ(server.subscribers(channel), 0U);
  const hub::CountTicket again = ask(a);
  run();
  expect(a, again, 0, true);
}

TEST_F(RoomCountsTest, ChannelThatTheServerTakesAway_IsSubscribedToAgain) {
  start_settled();
  add_members(b, 1);
  ask(a);
  run();
  server.unsubscribe_all("wsd1:{r}?00000001.0");
  run();
  advance(RoomCounts::kFreshMs);
  const hub::CountTicket ticket = ask(a);
  run();
  expect(a, ticket, 1, true);
}

TEST_F(RoomCountsTest, MalformedQuestionsAndAnswers_AreLeftOut) {
  start_settled();
  const auto before = server.calls("spublish");
  for (const char* const text :
       {"?", "? ", "?00000002.0", "?00000002.0 ", "?00000002.0 x", "?0000000g.0 1",
        "?00000002.0 1x 2", "?000000020000000000.0 1", "?} 1", "?00000002.0  1"}) {
    server.execute({"SPUBLISH", "wsd1:{r}", text});
  }
  run();
  EXPECT_EQ(server.calls("spublish"), before + 10) << "nobody has answered";
  EXPECT_EQ(a.told("r"), Told{});
  c.rooms_settings.node.process = 7;
  start(c);
  c.open("r");
  run();
  c.rooms().hold_back(true);
  const hub::CountTicket ticket = ask(a);
  run();
  for (const char* const text : {"", "1", "1 5", "1 5 6", "1 5 6-", "1 -5 6-7", "1 5000000000 6-7",
                                 "2 5 6-7", "01x 5 6-7", "1  6-7", "1 5 6-7 8"}) {
    server.execute({"SPUBLISH", "wsd1:{r}?00000001.0", text});
  }
  run();
  EXPECT_FALSE(a.counts.contains(ticket));
  server.execute({"SPUBLISH", "wsd1:{r}?00000001.0", "1 5 6-7"});
  run();
  expect(a, ticket, 5, true);
}

TEST_F(RoomCountsTest, MoreRoomsThanTheLimit_AreIncompleteAtOnce) {
  start_settled();
  server.stop();
  for (std::size_t i = 0; i < RoomCounts::kMostRooms; ++i) ask(a, "room " + std::to_string(i));
  const hub::CountTicket over = ask(a, "over");
  run();
  EXPECT_EQ(a.counts.size(), 1U);
  expect(a, over, 0, false);
  server.go_on();
  run();
  EXPECT_EQ(a.counts.size(), RoomCounts::kMostRooms + 1);
  // Answers that are no longer fresh make space.
  advance(RoomCounts::kFreshMs);
  const hub::CountTicket later = ask(a, "over");
  run();
  expect(a, later, 0, true);
}

}  // namespace
}  // namespace wsd::engine
