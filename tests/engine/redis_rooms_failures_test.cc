// Rooms when the connection or the server fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/redis_rooms.h"
#include "engine/rooms_rig.h"

namespace wsd::engine {
namespace {

class RedisRoomsFailuresTest : public TwoNodesRig {};

// Broken connections

TEST_F(RedisRoomsFailuresTest, LinkEnds_RoomsAreLost_AndCatchUpOnTheNext) {
  start_both();
  network.cut(line_of(0), "Connection reset by peer", false);
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost"}));
  EXPECT_FALSE(a.rooms().caught_up());
  EXPECT_EQ(a.rooms().figures().lost, 1U);
  b.send("r", "2");
  run();
  a.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"arrived 2", "opened"}));
  EXPECT_TRUE(a.rooms().caught_up());
  b.send("r", "3");
  run();
  EXPECT_EQ(a.told("r"), (Told{"arrived 3"}));
}

TEST_F(RedisRoomsFailuresTest, QuietRoomAfterReconnect_IsOpenWithoutAPage) {
  start_both();
  server.reset_calls();
  network.cut_all();
  run();
  a.connect();
  b.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "opened"}));
  EXPECT_EQ(server.calls("evalsha page"), 0U);
  EXPECT_EQ(server.calls("evalsha open"), 2U);
}

TEST_F(RedisRoomsFailuresTest, UnansweredBatchThatWasPlaced_IsFound) {
  start_both();
  a.send("r", "2");
  network.send(line_of(0));
  network.serve(line_of(0));
  network.cut(line_of(0), "Connection reset by peer", false);
  run();
  a.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "placed 2", "opened"}));
  EXPECT_EQ(b.told("r"), (Told{"arrived 2"}));
  EXPECT_EQ(placed("2"), 1U);
}

TEST_F(RedisRoomsFailuresTest, UnansweredBatchThatWasNotPlaced_IsSentAgainInOrder) {
  start_both();
  a.send("r", "2");
  a.send("r", "3");
  network.send(line_of(0));
  network.cut(line_of(0), "Connection reset by peer", true);
  run();
  b.send("r", "other");
  run();
  a.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "arrived other", "opened", "placed 2", "placed 3"}));
  EXPECT_EQ(placed("2"), 1U);
  EXPECT_EQ(placed("3"), 1U);
}

TEST_F(RedisRoomsFailuresTest, ServerStopped_FormerConnectionIsFenced_NothingIsDoubled) {
  start_both();
  a.send("r", "2");
  network.send(line_of(0));
  server.stop();
  run();
  a.link->end("silent");
  run();
  a.connect();
  run();
  server.go_on();
  run();
  const Told told = a.told("r");
  EXPECT_EQ(std::count(told.begin(), told.end(), "placed 2"), 1);
  EXPECT_EQ(placed("2"), 1U);
}

TEST_F(RedisRoomsFailuresTest, WithoutAFence_UnansweredBatchIsUnknown) {
  start_both();
  a.send("r", "3");
  network.send(line_of(0));
  network.cut(line_of(0), "Connection reset by peer", true);
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost"}));
  a.unfenced = true;
  a.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened", "unknown 3"}));
  EXPECT_EQ(placed("3"), 0U);
  EXPECT_EQ(a.rooms().figures().unknown, 1U);
  EXPECT_EQ(a.rooms().figures().in_flight, 0U);
}

TEST_F(RedisRoomsFailuresTest, TrimmedMessages_AreAGap_AndAnUnansweredBatchIsUnknown) {
  start_both();
  network.cut(line_of(0), "Connection reset by peer", false);
  run();
  for (int i = 2; i <= 10; ++i) send_alone(b, std::to_string(i));
  server.execute({"XTRIM", "wsd1:{r}", "MAXLEN", "2"});
  a.publish("r", "mine");
  a.connect();
  run();
  EXPECT_EQ(a.told("r"),
            (Told{"lost", "missed", "arrived 9", "arrived 10", "opened", "placed mine"}));
  EXPECT_EQ(a.rooms().figures().gaps, 1U);
  a.send("r", "doubt");
  network.send(line_of(1));
  network.cut(line_of(1), "Connection reset by peer", true);
  run();
  for (int i = 11; i <= 20; ++i) send_alone(b, std::to_string(i));
  server.execute({"XTRIM", "wsd1:{r}", "MAXLEN", "1"});
  a.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "missed", "arrived 20", "opened", "unknown doubt"}));
}

TEST_F(RedisRoomsFailuresTest, PublishTimeout_RefusedIfNeverSent_ElseUnknown) {
  start_both();
  server.stop();
  a.send("r", "sent");
  network.send(line_of(0));
  a.link->end("silent");
  run();
  a.publish("r", "waits");
  advance(a.rooms_settings.publish_timeout_ms + 100);
  EXPECT_EQ(a.told("r"), (Told{"lost", "unknown sent", "refused waits"}));
  EXPECT_EQ(a.rooms().figures().in_flight, 0U);
}

TEST_F(RedisRoomsFailuresTest, UnknownPublishThatHasAPosition_ArrivesAsAnothersMessage) {
  start_both();
  server.stop();
  a.send("r", "2");
  run();
  a.at(a.now_ms + 3'000);
  a.rooms().begin_turn(a.now_ms + a.rooms_settings.publish_timeout_ms);
  a.rooms().on_time();
  EXPECT_EQ(a.told("r"), (Told{"unknown 2"}));
  server.go_on();
  run();
  EXPECT_EQ(a.told("r"), (Told{"arrived 2"}));
}

// Other servers and epochs

TEST_F(RedisRoomsFailuresTest, Failover_EpochChanges_GapIsTold_HistoryStays) {
  start_both();
  promote_other();
  network.cut_all();
  run();
  a.connect(kOtherServer);
  b.connect(kOtherServer);
  run();
  // The stream of the other server has the last message, so the history has no hole.
  EXPECT_EQ(a.told("r"), (Told{"lost", "missed nothing", "opened"}));
  EXPECT_EQ(b.told("r"), (Told{"lost", "missed nothing", "opened"}));
  EXPECT_EQ(a.rooms().figures().epochs, 1U);
  a.send("r", "2");
  run();
  EXPECT_EQ(a.told("r"), (Told{"placed 2"}));
  EXPECT_EQ(b.told("r"), (Told{"arrived 2"}));
  EXPECT_EQ(a.room("r").last, b.room("r").last);
}

TEST_F(RedisRoomsFailuresTest, FailoverWithLoss_NoPositionNamesTwoMessages) {
  start_both();
  promote_other();  // has "1" only
  b.send("r", "lost 2");
  b.send("r", "lost 3");
  run();
  network.cut_all();
  run();
  a.told("r");
  b.told("r");
  a.connect(kOtherServer);
  b.connect(kOtherServer);
  run();
  EXPECT_EQ(a.told("r"), (Told{"missed", "opened"}));
  a.send("r", "new");
  run();
  for (Node* const node : nodes) {
    const auto& messages = node->room("r").messages;
    EXPECT_EQ(messages.size(), 4U);
    EXPECT_EQ(messages.rbegin()->second, "new");
  }
  EXPECT_EQ(a.room("r").messages, b.room("r").messages);
}

TEST_F(RedisRoomsFailuresTest, Failover_UnansweredBatch_IsSentAgain) {
  start_both();
  promote_other();
  a.send("r", "2");
  network.send(line_of(0));
  network.cut_all("Connection reset by peer", true);
  run();
  b.connect(kOtherServer);
  run();
  a.connect(kOtherServer);
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "missed nothing", "opened", "placed 2"}));
  EXPECT_EQ(b.told("r"), (Told{"lost", "missed nothing", "opened", "arrived 2"}));
}

TEST_F(RedisRoomsFailuresTest, BatchInTwoEpochs_IsToldOnce) {
  start_both();
  promote_other();
  a.send("r", "2");
  network.send(line_of(0));
  network.serve(line_of(0));  // the old server places it, and b gets it
  network.receive(line_of(1));
  EXPECT_EQ(b.told("r"), (Told{"arrived 2"}));
  network.cut_all("Connection reset by peer", true);
  run();
  a.connect(kOtherServer);
  b.connect(kOtherServer);
  run();
  a.send("r", "3");
  run();
  EXPECT_EQ(placed("2"), 2U);
  EXPECT_EQ(a.told("r"), (Told{"lost", "missed nothing", "opened", "placed 2", "placed 3"}));
  const Told told = b.told("r");
  EXPECT_EQ(std::count(told.begin(), told.end(), "arrived 2"), 0);
  EXPECT_EQ(std::count(told.begin(), told.end(), "arrived 3"), 1);
}

TEST_F(RedisRoomsFailuresTest, ServerGoesBack_IsSeenInThePush_AndBeginsAnEpoch) {
  start_both();
  const FakeData before = server.data();
  b.send("r", "2");
  run();
  server.data() = before;  // as a virtual machine that was restored
  place("other life");
  server.data() = before;
  b.send("r", "3");
  run();
  ASSERT_EQ(a.rooms().figures().epochs, 1U);
  EXPECT_TRUE(std::any_of(a.events.begin(), a.events.end(), [](const std::string& each) {
    return each.find("gone back") != std::string::npos;
  }));
  EXPECT_EQ(a.room("r").messages, b.room("r").messages);
  b.send("r", "4");
  run();
  EXPECT_EQ(a.told("r").back(), "arrived 4");
  EXPECT_EQ(a.room("r").last, b.room("r").last);
}

// A script `open` with a fault, or a server that is none.
TEST_F(RedisRoomsFailuresTest, ServerGoesBack_WithoutAnEpoch_RoomStaysLost_AndAllPublishesFail) {
  start_both();
  const FakeData before = server.data();
  for (int i = 0; i < 3; ++i) send_alone(b, "later");
  server.data() = before;
  server.data().at("wsd1:{r}").stream.last_id.seq += 1;
  a.publish("r", "2");
  a.publish("r", "3");
  a.turn();
  // The server answers each `open` with a place that this node has passed.
  const std::string answer = "*5\r\n$" + std::to_string(epoch().size()) + "\r\n" + epoch() +
                             "\r\n:2\r\n:0\r\n$1\r\n0\r\n$1\r\n0\r\n";
  network.send(line_of(0));
  while (network.serve(line_of(0))) continue;
  network.receive(line_of(0));  // the push is at or below the last position
  EXPECT_EQ(a.rooms().figures().lost, 1U);
  a.turn();
  network.send(line_of(0));
  line_of(0).socket->to_server.clear();
  line_of(0).socket->to_client = ">3\r\n$10\r\nssubscribe\r\n$8\r\nwsd1:{r}\r\n:1\r\n" + answer;
  network.receive(line_of(0));
  EXPECT_EQ(a.rooms().figures().live, 0U);
  EXPECT_TRUE(a.events.back().find("has not begun") != std::string::npos) << a.events.back();
  a.rooms().begin_turn(a.now_ms + a.rooms_settings.publish_timeout_ms);
  a.rooms().on_time();
  EXPECT_EQ(a.rooms().figures().in_flight, 0U);
}

TEST_F(RedisRoomsFailuresTest, KeyDeleted_PublishBeginsAnEpoch_AndIsPlaced) {
  start_both();
  server.execute({"DEL", "wsd1:{r}"});
  a.send("r", "2");
  a.send("r", "3");
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "missed", "opened", "placed 2", "placed 3"}));
  EXPECT_EQ(b.room("r").last, a.room("r").last);
  const Told told = b.told("r");
  EXPECT_EQ(told, (Told{"lost", "missed", "arrived 2", "arrived 3", "opened"}));
}

TEST_F(RedisRoomsFailuresTest, MessagesOfAnEpochThatThisNodeHasNotSeen_AreDelivered) {
  start_both();
  promote_other();
  network.cut(line_of(1), "Connection reset by peer", false);
  run();
  b.connect(kOtherServer);
  run();
  b.send("r", "there");
  run();
  advance(1'000);
  server.restart();  // a's epoch is later than the one of the other server
  run();
  a.connect();
  run();
  a.send("r", "here");
  run();
  EXPECT_GT(a.room("r").last.epoch, b.room("r").last.epoch);
  a.told("r");
  network.cut_all();
  run();
  a.connect(kOtherServer);
  run();
  const Told told = a.told("r");
  EXPECT_EQ(std::count(told.begin(), told.end(), "arrived there"), 1);
}

TEST_F(RedisRoomsFailuresTest, Sunsubscribe_RoomIsLostAndSubscribedAgain) {
  start_both();
  server.unsubscribe_all("wsd1:{r}");
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "opened"}));
  EXPECT_EQ(server.subscribers("wsd1:{r}"), 2U);
}

// Without a cluster, such an answer comes from a proxy, and is like any other error.
TEST_F(RedisRoomsFailuresTest, AnswerOfAClusterWithoutACluster_RefusesThePublish) {
  start_both();
  server.faults.error_for_all = "TRYAGAIN Multiple keys request during rehashing of slot";
  a.send("r", "2");
  run();
  EXPECT_EQ(a.told("r"), Told{"refused 2"});
}

}  // namespace
}  // namespace wsd::engine
