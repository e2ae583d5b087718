// Messages with a key, which Redis places once.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "engine/rooms_rig.h"

namespace wsd::engine {
namespace {

const hub::PublishKey kKey{"k", 1, {}};
const hub::PublishKey kOtherMessage{"k", 2, {}};
const hub::PublishKey kOtherKey{"l", 1, {}};

class RedisRoomsKeysTest : public TwoNodesRig {
 protected:
  void send(Node& node, std::string_view text, const hub::PublishKey& key = kKey) {
    node.publish("r", text, &key);
    node.turn();
    run();
  }
  void cut_and_connect(bool lose_sent) {
    network.cut_all("Connection reset by peer", lose_sent);
    run();
    a.connect();
    b.connect();
    run();
  }
};

TEST_F(RedisRoomsKeysTest, SameKey_HasOnePosition_OnAllNodes) {
  start_both();
  send(a, "2");
  EXPECT_EQ(a.told("r"), (Told{"placed 2"}));
  EXPECT_EQ(b.told("r"), (Told{"arrived 2"}));
  send(a, "2");
  send(b, "2");
  EXPECT_EQ(a.told("r"), (Told{"repeated 2 as 2"}));
  EXPECT_EQ(b.told("r"), (Told{"repeated 2 as 2"}));
  EXPECT_EQ(placed("2"), 1U);
  send(b, "2", kOtherKey);
  EXPECT_EQ(b.told("r"), (Told{"placed 2"}));
  EXPECT_EQ(placed("2"), 2U);
}

TEST_F(RedisRoomsKeysTest, KeyIsOfItsRoom_AndEndsAfterFiveMinutes) {
  start_both();
  send(a, "2");
  a.publish("other", "2", &kKey);
  a.turn();
  run();
  EXPECT_EQ(placed("2"), 2U);
  advance(hub::kPublishKeyMs - 1'000);
  a.told("r");
  send(a, "2");
  EXPECT_EQ(a.told("r"), (Told{"repeated 2 as 2"}));
  advance(2'000);
  a.told("r");
  send(a, "2");
  EXPECT_EQ(a.told("r"), (Told{"placed 2"}));
}

TEST_F(RedisRoomsKeysTest, AnotherMessageWithTheKey_IsNotPlaced) {
  start_both();
  send(a, "2");
  a.told("r");
  b.told("r");
  send(a, "3", kOtherMessage);
  send(b, "3", kOtherMessage);
  EXPECT_EQ(a.told("r"), (Told{"key used 3"}));
  EXPECT_EQ(b.told("r"), (Told{"key used 3"}));
  EXPECT_EQ(placed("3"), 0U);
}

TEST_F(RedisRoomsKeysTest, TwoNodesAtOnce_PlaceItOnce) {
  start_both();
  a.publish("r", "2", &kKey);
  b.publish("r", "2", &kKey);
  a.publish("r", "2", &kKey);
  a.turn();
  b.turn();
  run();
  EXPECT_EQ(placed("2"), 1U);
  EXPECT_TRUE(a.room("r").waiting.empty());
  EXPECT_TRUE(b.room("r").waiting.empty());
}

TEST_F(RedisRoomsKeysTest, MessagesAround_KeepTheirOrder) {
  start_both();
  send(a, "2");
  a.told("r");
  a.publish("r", "3");
  a.publish("r", "2", &kKey);
  a.publish("r", "4");
  a.publish("r", "5");
  a.publish("r", "6", &kOtherKey);
  a.publish("r", "7");
  a.turn();
  run();
  EXPECT_EQ(a.told("r"),
            (Told{"placed 3", "repeated 2 as 2", "placed 4", "placed 5", "placed 6", "placed 7"}));
}

TEST_F(RedisRoomsKeysTest, AnswerThatComesBeforeAnEarlierPush_Waits) {
  start_both();
  send(a, "2");
  a.told("r");
  server.faults.lost_pushes = 1;
  a.publish("r", "3");
  a.publish("r", "2", &kKey);
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), Told{}) << "the push of 3 is lost, and no later answer comes before it";
  advance(1'100);
  EXPECT_EQ(a.told("r"), (Told{"lost", "placed 3", "repeated 2 as 2", "opened"}));
}

// Without a key, the result is unknown: the former connection may still run it.
TEST_F(RedisRoomsKeysTest, CutLink_MessageIsSentAgain_AlsoWithoutAFence) {
  start_both();
  a.unfenced = true;
  a.publish("r", "2");
  a.publish("r", "3", &kKey);
  a.turn();
  cut_and_connect(true);
  EXPECT_EQ(a.told("r"), (Told{"lost", "opened", "unknown 2", "placed 3"}));
  EXPECT_EQ(placed("3"), 1U);
}

TEST_F(RedisRoomsKeysTest, CutLinkAfterThePlace_AndATrimmedStream_TheKeyKnowsThePosition) {
  start_both();
  a.publish("r", "2", &kKey);
  a.turn();
  network.send(line_of(0));
  network.serve(line_of(0));
  EXPECT_EQ(placed("2"), 1U);
  server.execute({"XTRIM", "wsd1:{r}", "MAXLEN", "=", "0"});
  network.cut_all("Connection reset by peer", true);
  run();
  a.connect();
  b.connect();
  run();
  const Told told = a.told("r");
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[1], "missed");
  EXPECT_EQ(told[3], "repeated 2 as " + epoch() + ":" + std::to_string(a.room("r").last.seq));
  EXPECT_EQ(placed("2"), 1U);
}

TEST_F(RedisRoomsKeysTest, Failover_TheReplicaHasTheKeyWithTheMessage) {
  start_both();
  a.publish("r", "2", &kKey);
  a.turn();
  network.send(line_of(0));
  network.serve(line_of(0));
  promote_other();
  network.cut_all("Connection reset by peer", true);
  run();
  a.connect(kOtherServer);
  b.connect(kOtherServer);
  run();
  EXPECT_TRUE(a.room("r").waiting.empty());
  b.told("r");
  send(b, "2");
  EXPECT_EQ(b.told("r").size(), 1U);
  EXPECT_EQ(placed("2"), 1U);
}

TEST_F(RedisRoomsKeysTest, ErrorOfSet_RemovesTheMessage) {
  start_both();
  server.faults.denied = {"set"};
  send(a, "2");
  EXPECT_EQ(a.told("r"), (Told{"refused 2"}));
  EXPECT_EQ(server.execute({"XLEN", "wsd1:{r}"}).number, 1);
  server.faults.denied.clear();
  send(a, "2");
  const Told told = a.told("r");
  EXPECT_EQ(std::count(told.begin(), told.end(), "placed 2"), 1);
}

}  // namespace
}  // namespace wsd::engine
