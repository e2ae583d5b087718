// Rooms that move between the masters of a cluster.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/cluster_rig.h"
#include "engine/redis_lane.h"

namespace wsd::engine {
namespace {

class RedisLanes : public ClusterRig {};

// Leaves out the calls that a move may have or not: one message kept back, or a gap in vain.
std::vector<std::string> without_gaps(std::vector<std::string> told) {
  std::erase_if(told, [](const std::string& each) { return each.starts_with("missed"); });
  return told;
}

TEST_F(RedisLanes, EachRoom_IsAtItsMaster) {
  start();
  EXPECT_EQ(cluster.server(cluster.owner(key("r"))).data().count(key("r")), 1U);
  EXPECT_EQ(cluster.server(cluster.owner(key("s"))).data().count(key("s")), 1U);
  a.send("r", "second");
  b.send("s", "third");
  run();
  EXPECT_EQ(a.told("r"), Told{"placed second"});
  EXPECT_EQ(b.told("r"), Told{"arrived second"});
  EXPECT_EQ(a.told("s"), Told{"arrived third"});
  EXPECT_EQ(b.told("s"), Told{"placed third"});
}

TEST_F(RedisLanes, PublishesThatAreRedirected_ArePlacedOnceAndInOrderAtTheNewMaster) {
  start();
  const std::size_t to = other_master("r");
  for (const char* const text : {"second", "third", "fourth"}) {
    a.send("r", text);
    flush();
  }
  move("r", to);
  run();
  advance(500);
  EXPECT_EQ(without_gaps(a.told("r")),
            (Told{"lost", "opened", "placed second", "placed third", "placed fourth"}));
  EXPECT_EQ(without_gaps(b.told("r")),
            (Told{"lost", "opened", "arrived second", "arrived third", "arrived fourth"}));
  for (const char* const text : {"second", "third", "fourth"}) EXPECT_EQ(placed(text), 1U);
  EXPECT_EQ(cluster.server(to).data().count(key("r")), 1U);
  EXPECT_EQ(a.told("s"), Told{});
}

TEST_F(RedisLanes, SlotThatMoves_LosesOnlyItsRooms) {
  start();
  move("r", other_master("r"));
  run();
  advance(500);
  EXPECT_TRUE(a.is_live("r"));
  EXPECT_EQ(without_gaps(a.told("r")), (Told{"lost", "opened"}));
  EXPECT_EQ(a.told("s"), Told{});
  b.send("r", "second");
  run();
  EXPECT_EQ(a.told("r"), Told{"arrived second"});
}

TEST_F(RedisLanes, SlotThatComesBack_GoesOn) {
  start();
  const std::size_t from = cluster.owner(key("r"));
  move("r", other_master("r"));
  run();
  advance(500);
  a.send("r", "second");
  run();
  move("r", from);
  a.send("r", "third");
  run();
  advance(500);
  EXPECT_EQ(a.told("r").back(), "placed third");
  EXPECT_EQ(b.told("r").back(), "arrived third");
  EXPECT_EQ(placed("second"), 1U);
  EXPECT_EQ(placed("third"), 1U);
}

// The node learns of it by its questions alone: the old master goes on as if it had the slots.
TEST_F(RedisLanes, MasterThatDoesNotHear_LosesItsRoomsToTheNewMaster) {
  start();
  const std::size_t old = cluster.owner(key("r"));
  cluster.set_deaf(old, true);
  cluster.notice(old);
  cluster.fail_over(cluster.replica_of(old));
  advance(12'000);
  EXPECT_TRUE(a.is_live("r"));
  a.send("r", "second");
  run();
  EXPECT_EQ(a.told("r").back(), "placed second");
  EXPECT_EQ(b.told("r").back(), "arrived second");
  EXPECT_FALSE(cluster.server(old).placed().back().text.ends_with("second"));
  EXPECT_EQ(a.told("s"), Told{});
}

TEST_F(RedisLanes, SlotUnderWay_HoldsThePublishUntilItHasMoved) {
  start();
  const std::size_t to = other_master("r");
  cluster.begin_move(slot("r"), to);
  ASSERT_TRUE(cluster.move_key(key("r")));
  a.send("r", "second");
  run();
  advance(2'000);
  EXPECT_EQ(a.told("r"), Told{"lost"});
  EXPECT_EQ(placed("second"), 0U);
  a.open("s2");  // joins of other rooms do not wait
  run();
  EXPECT_TRUE(a.is_live("s2"));
  cluster.end_move(slot("r"));
  run();
  advance(500);
  EXPECT_EQ(without_gaps(a.told("r")), (Told{"opened", "placed second"}));
  EXPECT_EQ(placed("second"), 1U);
}

TEST_F(RedisLanes, SlotUnderWayForTooLong_RefusesThePublish) {
  start();
  cluster.begin_move(slot("r"), other_master("r"));
  ASSERT_TRUE(cluster.move_key(key("r")));
  a.send("r", "second");
  run();
  advance(a.rooms_settings.publish_timeout_ms + 200);
  EXPECT_EQ(a.told("r"), (Told{"lost", "refused second"}));
  EXPECT_EQ(a.counters().up.value(), 1U);
  EXPECT_EQ(a.counters().unready_since_ms.value(), 0U);
}

TEST_F(RedisLanes, PublishWithAKeyWhileASlotIsUnderWay_IsRefusedAtOnce_AndTheRoomStaysLive) {
  start();
  cluster.begin_move(slot("r"), other_master("r"));
  const hub::PublishKey once{"k", 1, {}};
  a.publish("r", "keyed", &once);
  a.publish("r", "plain");
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), (Told{"refused keyed", "placed plain"}));
  cluster.end_move(slot("r"));
  run();
  advance(500);
  a.told("r");
  a.publish("r", "keyed", &once);
  a.publish("r", "keyed", &once);
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), (Told{"placed keyed", "repeated keyed as keyed"}));
}

TEST_F(RedisLanes, QuestionForMembers_GoesToTheMasterOfItsRoom) {
  start();
  advance(RoomCounts::kSettlesMs);
  std::vector<hub::CountTicket> tickets;
  for (int i = 0; i < 20; ++i) tickets.push_back(a.order().count("room " + std::to_string(i)));
  tickets.push_back(a.order().count("r"));
  run();
  for (const hub::CountTicket each : tickets) {
    ASSERT_TRUE(a.counts.contains(each));
    EXPECT_TRUE(a.counts[each].complete);
  }
}

TEST_F(RedisLanes, DeadMaster_TakesOnlyItsRooms) {
  start();
  const std::size_t dead = cluster.owner(key("r"));
  cluster.kill(dead);
  run();
  cluster.notice(dead);
  advance(6'000);
  EXPECT_EQ(a.told("r"), Told{"lost"});
  EXPECT_EQ(a.counters().up.value(), 0U);
  EXPECT_NE(a.counters().unready_since_ms.value(), 0U);
  a.publish("r", "second");
  a.send("s", "third");
  run();
  EXPECT_EQ(a.told("s"), Told{"placed third"});
  EXPECT_EQ(a.told("r"), Told{});
  cluster.restart(dead);
  advance(12'000);
  EXPECT_EQ(a.counters().up.value(), 1U);
  EXPECT_EQ(a.counters().unready_since_ms.value(), 0U);
  EXPECT_EQ(without_gaps(a.told("r")), (Told{"opened", "placed second"}));
  EXPECT_EQ(placed("second"), 1U);
}

TEST_F(RedisLanes, PublishWithoutAMaster_IsRefusedAfterItsTime) {
  start();
  cluster.take_away(slot("r"));
  run();
  a.send("r", "second");
  run();
  advance(a.rooms_settings.publish_timeout_ms + 200);
  EXPECT_EQ(a.told("r").back(), "refused second");
  EXPECT_EQ(a.counters().up.value(), 0U);
  EXPECT_EQ(placed("second"), 0U);
}

TEST_F(RedisLanes, JoinWithoutAMaster_WaitsForOne) {
  start();
  const std::size_t dead = cluster.owner(key("r"));
  cluster.kill(dead);
  run();
  cluster.notice(dead);
  advance(6'000);
  std::string name = "new";
  while (cluster.owner(key(name)) != dead) name += '0';
  a.open(name);
  advance(1'000);
  EXPECT_FALSE(a.is_live(name));
  cluster.fail_over(cluster.replica_of(dead));
  advance(6'000);
  EXPECT_TRUE(a.is_live(name));
}

// The batch was placed, and its reply was lost with the master.
TEST_F(RedisLanes, BatchWithoutAReply_IsFoundAtTheNewMaster) {
  start();
  const std::size_t old = cluster.owner(key("r"));
  network.cut_after_received(0);
  a.send("r", "second");
  flush();
  for (const auto& line : network.lines()) network.serve(*line);
  ASSERT_EQ(placed("second"), 1U);
  cluster.kill(old);
  cluster.fail_over(cluster.replica_of(old));
  run();
  advance(6'000);
  EXPECT_EQ(without_gaps(a.told("r")), (Told{"lost", "placed second", "opened"}));
  EXPECT_EQ(without_gaps(b.told("r")), (Told{"lost", "arrived second", "opened"}));
  EXPECT_EQ(placed("second"), 1U);
}

// The new master lacks the batch.
TEST_F(RedisLanes, BatchThatTheNewMasterLacks_IsSentAgain) {
  start();
  const std::size_t old = cluster.owner(key("r"));
  const FakeData before = cluster.server(old).data();
  network.cut_after_received(0);
  for (const char* const text : {"second", "third"}) {
    a.send("r", text);
    flush();
  }
  for (const auto& line : network.lines()) network.serve(*line);
  cluster.kill(old);
  cluster.fail_over(cluster.replica_of(old), before);
  run();
  advance(6'000);
  const Told told = a.told("r");
  ASSERT_GE(told.size(), 2U);
  EXPECT_EQ(Told(told.end() - 2, told.end()), (Told{"placed second", "placed third"}));
  EXPECT_EQ(placed("second"), 2U);  // once at each master
}

TEST_F(RedisLanes, SlowMembers_HoldBackAllLinks) {
  start();
  const auto reads = [&] {
    return std::ranges::count_if(network.lines(), [](const auto& line) { return line->reading; });
  };
  const auto all = reads();
  a.order().hold_back(true);
  EXPECT_EQ(reads(), all - 3);
  a.order().hold_back(false);
  EXPECT_EQ(reads(), all);
}

TEST_F(RedisLanes, LinkThatComesWhileMembersAreSlow_IsNotRead) {
  start();
  a.order().hold_back(true);
  const std::size_t dead = cluster.owner(key("r"));
  cluster.kill(dead);
  cluster.fail_over(cluster.replica_of(dead));
  run();
  advance(7'000);
  EXPECT_FALSE(a.is_live("r"));
  a.order().hold_back(false);
  run();
  advance(3'000);
  EXPECT_TRUE(a.is_live("r"));
}

TEST_F(RedisLanes, MemoryThatRunsOutDuringAMove_DelaysIt) {
  start();
  move("r", other_master("r"));
  a.calls_until_no_memory = 0;
  a.send("r", "second");
  run();
  advance(1'000);
  EXPECT_EQ(a.calls_until_no_memory, -1);
  EXPECT_EQ(a.told("r").back(), "placed second");
  EXPECT_EQ(placed("second"), 1U);
}

TEST_F(RedisLanes, MasterWithoutSlots_IsLeft) {
  start();
  const std::size_t old = cluster.owner(key("r"));
  cluster.kill(old);
  cluster.fail_over(cluster.replica_of(old));
  run();
  advance(3'000);
  EXPECT_EQ(a.counters().up.value(), 1U);
  advance(12'000);
  const std::string report = "engine_down : " + cluster.at(old).text();
  const std::size_t reports = a.count(report);
  EXPECT_GE(reports, 1U);
  advance(70'000);  // each minute, the same reason is reported again
  EXPECT_EQ(a.count(report), reports);
}

// What the old master has placed decides what goes first at the new one.
TEST_F(RedisLanes, RepliesUnderWay_AreAwaitedBeforeTheMove) {
  a.link_settings.timeout_ms = 60'000;
  start();
  const std::size_t old = cluster.owner(key("r"));
  const FakeData before = cluster.server(old).data();
  cluster.set_deaf(old, true);
  const auto lines = network.lines();
  for (const auto& line : lines) line->reading = line->to != cluster.at(old);
  a.send("r", "second");
  run();
  ASSERT_EQ(placed("second"), 1U);
  cluster.notice(old);
  cluster.fail_over(cluster.replica_of(old), before);
  advance(12'000);
  a.send("r", "third");
  run();
  EXPECT_EQ(a.told("r"), Told{"lost"});
  EXPECT_EQ(placed("third"), 0U);
  for (const auto& line : lines) line->reading = true;
  run();
  const Told told = without_gaps(a.told("r"));
  ASSERT_GE(told.size(), 3U);
  EXPECT_EQ(Told(told.end() - 3, told.end()), (Told{"opened", "placed second", "placed third"}));
}

// The batch did not reach the master that had the slot, and the next one has a link already.
TEST_F(RedisLanes, BatchThatWasCut_IsSentAgainAtAnotherMaster) {
  start();
  const std::size_t old = cluster.owner(key("r"));
  a.send("r", "second");
  for (const auto& line : network.lines()) {
    if (line->to == cluster.at(old)) network.cut(*line, "Connection reset by peer", true);
  }
  network.set_unreachable(cluster.at(old), true);
  move("r", other_master("r"));
  run();
  advance(2'000);
  EXPECT_EQ(a.told("r").back(), "placed second");
  EXPECT_EQ(placed("second"), 1U);
}

TEST_F(RedisLanes, LinkThatIsCut_IsNoticedAtOnce) {
  start();
  for (const auto& line : network.lines()) {
    if (line->to == cluster.at(cluster.owner(key("r")))) network.cut(*line, "", false);
  }
  run();
  EXPECT_EQ(a.counters().up.value(), 0U);
  EXPECT_EQ(a.told("s"), Told{});
  advance(3'000);
  EXPECT_EQ(a.counters().up.value(), 1U);
  EXPECT_TRUE(a.is_live("r"));
}

TEST_F(RedisLanes, ClusterThatIsDownForAMoment_HoldsThePublish) {
  start();
  const std::size_t master = cluster.owner(key("r"));
  cluster.set_state(master, false);
  a.send("r", "second");
  run();
  EXPECT_EQ(a.told("r"), Told{"lost"});
  cluster.set_state(master, true);
  advance(300);
  EXPECT_EQ(a.told("r"), (Told{"opened", "placed second"}));
}

// The former lane may go on with pushes that were under way when the room moved.
TEST_F(RedisLanes, PushOfAFormerMaster_IsLeftOut) {
  b.link_settings.timeout_ms = 60'000;
  start();
  const std::size_t old = cluster.owner(key("r"));
  const auto lines = network.lines();
  const auto is_of_b = [&](const auto& line) {
    return line->to == cluster.at(old) &&
           line->socket->to_client.find("second") != line->socket->to_client.npos;
  };
  for (const auto& line : lines) line->reading = line->to != cluster.at(old);
  a.send("r", "second");
  run();
  ASSERT_EQ(std::ranges::count_if(lines, is_of_b), 2);
  move("r", other_master("r"));
  advance(12'000);
  ASSERT_TRUE(b.is_live("r"));
  b.told("r");
  for (const auto& line : lines) line->reading = true;
  run();
  EXPECT_EQ(b.told("r"), Told{});
}

// A slot may be under way for long, and the node serves all other rooms meanwhile.
TEST_F(RedisLanes, LinkThatIsCutWhileASlotIsUnderWay_LeavesTheNodeReady) {
  start();
  cluster.begin_move(slot("r"), other_master("r"));
  ASSERT_TRUE(cluster.move_key(key("r")));
  network.cut_all();
  run();
  advance(5'000);
  EXPECT_EQ(a.counters().up.value(), 1U);
  EXPECT_EQ(a.counters().unready_since_ms.value(), 0U);
  EXPECT_FALSE(a.is_live("r"));
}

TEST_F(RedisLanes, Reports_NameTheMaster) {
  start();
  EXPECT_EQ(a.count("engine_up"), 3U);
  const std::string at = cluster.at(cluster.owner(key("r"))).text();
  cluster.kill(cluster.owner(key("r")));
  run();
  EXPECT_EQ(a.count("engine_down : " + at + ": Lost the connection to " + at), 1U);
}

}  // namespace
}  // namespace wsd::engine
