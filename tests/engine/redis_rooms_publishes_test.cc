// Rooms when pushes are lost, publishes fail, entries are large, or memory runs out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/redis_rooms.h"
#include "engine/rooms_rig.h"

namespace wsd::engine {
namespace {

class RedisRoomsPublishesTest : public TwoNodesRig {};

// Lost pushes

TEST_F(RedisRoomsPublishesTest, LostPushOfAnotherNode_IsAHole) {
  start_both();
  server.faults.lost_pushes = 1;
  b.send("r", "2");
  run();
  EXPECT_EQ(a.told("r"), Told{});
  b.send("r", "3");
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "arrived 2", "arrived 3", "opened"}));
}

TEST_F(RedisRoomsPublishesTest, LostPushOfOnesOwn_IsFoundByTheHeartbeat) {
  start_both();
  server.faults.lost_pushes = 1;
  a.send("r", "2");
  run();
  EXPECT_EQ(a.told("r"), Told{});
  advance(1'100);
  EXPECT_EQ(a.told("r"), (Told{"lost", "placed 2", "opened"}));
  EXPECT_EQ(placed("2"), 1U);
}

TEST_F(RedisRoomsPublishesTest, LostPush_ThenTheKeyIsDeleted_TheResultIsUnknown) {
  start_both();
  server.faults.lost_pushes = 1;
  a.send("r", "2");
  run();
  server.execute({"DEL", "wsd1:{r}"});
  advance(1'100);
  EXPECT_EQ(a.told("r"), (Told{"lost", "missed", "opened", "unknown 2"}));
  EXPECT_EQ(placed("2"), 1U);
}

TEST_F(RedisRoomsPublishesTest, HoldBack_HoldsForTheNextLinkToo) {
  start_both();
  a.rooms().hold_back(true);
  network.cut(line_of(0), "Connection reset by peer", false);
  run();
  a.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost"}));
  a.rooms().hold_back(false);
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened"}));
}

TEST_F(RedisRoomsPublishesTest, PartOfABatchWasTold_TheRestComesAfterAFailover) {
  start_both();
  promote_other();
  b.publish("r", "2");
  b.publish("r", "3");
  b.turn();
  a.calls_until_no_memory = 1;
  network.send(line_of(1));
  network.serve(line_of(1));
  network.receive(line_of(0));
  EXPECT_EQ(a.told("r"), (Told{"arrived 2", "lost"}));
  network.cut_all("Connection reset by peer", true);
  run();
  a.connect(kOtherServer);
  b.connect(kOtherServer);
  run();
  advance(500);
  const Told told = a.told("r");
  EXPECT_EQ(std::count(told.begin(), told.end(), "arrived 2"), 0);
  EXPECT_EQ(std::count(told.begin(), told.end(), "arrived 3"), 1);
}

TEST_F(RedisRoomsPublishesTest, Check_FindsALostPush) {
  start_both();
  place("2");
  a.check("r");
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "arrived 2", "opened", "checked"}));
}

TEST_F(RedisRoomsPublishesTest, CheckOfALostRoom_IsAnsweredAfterOpened) {
  start_both();
  network.cut(line_of(0), "Connection reset by peer", false);
  run();
  a.check("r");
  a.turn();
  a.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "opened", "checked"}));
}

// Trimming

TEST_F(RedisRoomsPublishesTest, Trimming_KeepsTheBacklogAndLittleMore) {
  a.config.history.messages = 20;
  a.rooms_settings.backlog = 50;
  server.faults.entries_per_node = 1;
  start(a);
  a.open("r");
  run();
  std::size_t most = 0;
  for (std::size_t sent = 1; sent <= 600; ++sent) {
    send_alone(a, "text");
    const std::size_t kept = server.data().at("wsd1:{r}").stream.size();
    ASSERT_GE(kept, std::min<std::size_t>(sent, 50));
    most = std::max(most, kept);
  }
  EXPECT_LE(most, 50U + 64 + 32 + 1);  // the batch and the messages between two looks
  const std::size_t before = server.data().at("wsd1:{r}").stream.size();
  EXPECT_GT(before, 50U + 64 + 1);
  send_alone(a, std::string(2'000, 'x'));
  EXPECT_LE(server.data().at("wsd1:{r}").stream.size(), 50U + 64 + 1) << "a large batch trims";
}

// Errors of publishes

TEST_F(RedisRoomsPublishesTest, OutOfMemory_IsRefusedInOrder_AndTheRoomStaysLive) {
  start_both();
  a.send("r", "2");
  network.send(line_of(0));
  network.serve(line_of(0));
  server.faults.out_of_memory = true;
  a.send("r", "3");
  run();
  server.faults.out_of_memory = false;
  a.send("r", "4");
  run();
  EXPECT_EQ(a.told("r"), (Told{"placed 2", "refused 3", "placed 4"}));
  EXPECT_EQ(a.rooms().figures().refused, 1U);
  ASSERT_FALSE(a.events.empty());
  EXPECT_TRUE(a.events.back().starts_with("engine_refused r: OOM")) << a.events.back();
}

TEST_F(RedisRoomsPublishesTest, ScriptFlush_PublishesAreSentAgainInOrder) {
  start_both();
  server.flush_scripts();
  a.send("r", "2");
  a.send("r", "3");
  a.open("other");
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), (Told{"placed 2", "placed 3"}));
  EXPECT_EQ(a.told("other"), (Told{"opened"}));
  EXPECT_EQ(placed("2"), 1U);
}

TEST_F(RedisRoomsPublishesTest, ScriptsLoadedBetweenTwoPublishes_TheEarlierIsRefused) {
  start_both();
  server.flush_scripts();
  a.send("r", "2");
  network.send(line_of(0));
  network.serve(line_of(0));
  for (const Script each : {Script::kPublish, Script::kOpen, Script::kPage}) {
    server.execute({"SCRIPT", "LOAD", std::string(source_of(each))});
  }
  a.send("r", "3");
  run();
  EXPECT_EQ(a.told("r"), (Told{"refused 2", "placed 3"}));
  EXPECT_EQ(placed("2"), 0U);
}

TEST_F(RedisRoomsPublishesTest, ScriptsLoadedBetween_PushesAfterReplies_TheEarlierIsRefused) {
  server.faults.pushes_after_reply = true;
  start_both();
  server.flush_scripts();
  a.send("r", "2");
  network.send(line_of(0));
  network.serve(line_of(0));
  for (const Script each : {Script::kPublish, Script::kOpen, Script::kPage}) {
    server.execute({"SCRIPT", "LOAD", std::string(source_of(each))});
  }
  server.faults.lost_pushes = 1;
  a.send("r", "3");
  run();
  EXPECT_EQ(a.told("r"), (Told{"refused 2"}));
  advance(1'100);
  EXPECT_EQ(a.told("r"), (Told{"lost", "placed 3", "opened"}));
}

TEST_F(RedisRoomsPublishesTest, KeyOfAnotherType_JoinsAreRefused) {
  server.execute({"SET", "wsd1:{r}", "x"});
  start(a);
  a.publish("r", "1");
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), (Told{"refused 1", "closed as failed"}));
  EXPECT_EQ(a.rooms().figures().opening, 0U);
  ASSERT_FALSE(a.events.empty());
  EXPECT_NE(a.events.back().find("wsd1:{r}"), std::string::npos) << a.events.back();
  server.execute({"DEL", "wsd1:{r}"});
  a.send("r", "2");
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened", "placed 2"}));
}

TEST_F(RedisRoomsPublishesTest, KeyOfALiveRoomChangesItsType_PublishesAreRefused) {
  start_both();
  server.execute({"SET", "wsd1:{r}", "x"});
  a.send("r", "2");
  run();
  EXPECT_EQ(a.told("r"), (Told{"refused 2"}));
  server.execute({"DEL", "wsd1:{r}"});
  a.send("r", "3");
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "missed", "opened", "placed 3"}));
}

TEST_F(RedisRoomsPublishesTest, OpenIsRefused_IsTriedAgain) {
  start(a);
  server.faults.out_of_memory = true;
  a.send("r", "1");
  run();
  EXPECT_EQ(a.told("r"), (Told{"refused 1"}));
  server.faults.out_of_memory = false;
  advance(1'100);
  EXPECT_EQ(a.told("r"), (Told{"opened"}));
}

// Large rooms

TEST_F(RedisRoomsPublishesTest, LargeMessage_IsAnnouncedAndRead) {
  start_both();
  a.send("r", std::string(300'000, 'x'));
  a.send("r", "small");
  run();
  EXPECT_EQ(b.told("r"), (Told{"arrived 300000", "arrived small"}));
  EXPECT_EQ(a.room("r").messages, b.room("r").messages);
  EXPECT_EQ(a.rooms().figures().in_flight, 0U);
  EXPECT_EQ(a.rooms().figures().catch_ups, 0U);
}

TEST_F(RedisRoomsPublishesTest, Reconnect_AsksForLessThanAMegabyteAtATime) {
  constexpr int kRooms = 40;
  start(a);
  start(b);
  for (int i = 0; i < kRooms; ++i) {
    a.open("r" + std::to_string(i));
    b.open("r" + std::to_string(i));
  }
  run();
  network.cut(line_of(1), "Connection reset by peer", false);
  run();
  for (int k = 0; k < 25; ++k) {
    for (int i = 0; i < kRooms; ++i) a.publish("r" + std::to_string(i), std::string(10'000, 'x'));
    a.turn();
    run();
  }
  b.connect();
  std::size_t most = 0;
  bool more = true;
  while (more) {
    more = network.send(line_of(1));
    more |= network.connect_now(line_of(1));
    while (network.serve(line_of(1), 1'000'000)) more = true;
    most = std::max(most, line_of(1).socket ? line_of(1).socket->to_client.size() : 0);
    more |= network.receive(line_of(1));
    more |= b.rooms().has_to_send();
    b.turn();
  }
  EXPECT_LT(most, std::size_t{1} << 20);
  for (int i = 0; i < kRooms; ++i) {
    const std::string name = "r" + std::to_string(i);
    EXPECT_TRUE(a.room(name).messages == b.room(name).messages);
  }
}

TEST_F(RedisRoomsPublishesTest, LargeEntriesOfManyRooms_AreReadAloneFromTheStart) {
  constexpr int kRooms = 8;
  constexpr int kEntries = 3;
  start(a);
  start(b);
  for (int i = 0; i < kRooms; ++i) {
    for (int k = 0; k < kEntries; ++k) {
      a.send("r" + std::to_string(i), std::string(300'000, 'x') + std::to_string(k));
      run();
    }
  }
  server.faults.output_limit = 400'000;
  for (int i = 0; i < kRooms; ++i) b.open("r" + std::to_string(i));
  run();
  EXPECT_EQ(b.downs, 0);
  for (int i = 0; i < kRooms; ++i) {
    const std::string name = "r" + std::to_string(i);
    EXPECT_EQ(b.room(name).messages.size(), std::size_t{kEntries});
    EXPECT_TRUE(a.room(name).messages == b.room(name).messages);
  }
}

TEST_F(RedisRoomsPublishesTest, EntryAboveTheLimit_IsLeftOutAndTold) {
  server.set_config("client-output-buffer-limit", "normal 0 0 0 pubsub 400000 100000 60");
  server.faults.output_limit = 400'000;
  start_both();
  const std::string large(350'000, 'x');
  a.send("r", large);
  run();
  EXPECT_EQ(b.told("r"), Told{"missed"});
  a.send("r", "small");
  run();
  EXPECT_EQ(b.told("r"), Told{"arrived small"});
  EXPECT_EQ(a.told("r"), (Told{"missed", "unknown " + large, "placed small"}));
  EXPECT_EQ(a.downs + b.downs, 0);
  ASSERT_FALSE(b.events.empty());
  EXPECT_TRUE(b.events.front().starts_with("engine_gap r: The batch ")) << b.events.front();
  // A node that opens the room has the messages after it.
  Node c{3, network};
  start(c);
  c.open("r");
  run();
  EXPECT_EQ(c.told("r"), Told{"opened small"});
  nodes.pop_back();
}

TEST_F(RedisRoomsPublishesTest, ForeignEntryThatOverlaps_EndsNothing) {
  start_both();
  a.publish("r", "2");
  a.publish("r", "3");
  a.turn();
  network.cut(line_of(0), "Connection reset by peer", true);
  run();
  // An entry with the name of that batch has the position of the message before it.
  std::string batch;
  append_head(batch, {1, a.rooms_settings.node, 2, 2});
  append_message(batch, {false, "foreign"});
  append_message(batch, {false, "foreign too"});
  const Position last = a.room("r").last;
  FakeStream stream;
  stream.add({last.epoch, last.seq}, {"d", batch});
  stream.last_id = {last.epoch, last.seq + 1};
  server.data().at("wsd1:{r}").stream = stream;
  a.connect();
  run();
  EXPECT_EQ(a.told("r"), (Told{"lost", "arrived foreign too", "opened", "placed 2", "placed 3"}));
  EXPECT_EQ(a.rooms().figures().in_flight, 0U);
}

TEST_F(RedisRoomsPublishesTest, Publish_TrimsBySettings_AndNotByWhatTheNodeHas) {
  a.config.history.messages = 200;
  b.config.history.messages = 200;
  start(a);
  for (int i = 0; i < 300; ++i) send_alone(a, std::to_string(i));
  start(b);
  b.open("r");
  run();
  b.send("r", "last");
  run();
  EXPECT_GE(server.data().at("wsd1:{r}").stream.size(), 200U);
  EXPECT_LE(server.data().at("wsd1:{r}").stream.size(), 270U);
}

TEST_F(RedisRoomsPublishesTest, NewEpoch_EntriesOfTheOldOneStay) {
  start_both();
  for (int i = 2; i <= 50; ++i) send_alone(a, std::to_string(i));
  promote_other();
  network.cut_all();
  run();
  a.connect(kOtherServer);
  run();
  for (int i = 51; i <= 60; ++i) send_alone(a, std::to_string(i));
  EXPECT_EQ(other.data().at("wsd1:{r}").stream.size(), 60U);
}

// Memory

TEST_F(RedisRoomsPublishesTest, OutOfMemoryInTheHub_RoomCatchesUp_NothingIsDoubled) {
  for (int failing = 0; failing < 12; ++failing) {
    SCOPED_TRACE(failing);
    const std::string name = "room" + std::to_string(failing);
    if (failing == 0) {
      start(a);
      start(b);
    }
    a.calls_until_no_memory = failing;
    a.open(name);
    b.open(name);
    run();
    for (int i = 0; i < 3; ++i) b.publish(name, "b" + std::to_string(i));
    for (int i = 0; i < 3; ++i) a.publish(name, "a" + std::to_string(i));
    a.turn();
    b.turn();
    run();
    a.send(name, "last");
    run();
    advance(500);
    advance(500);
    EXPECT_EQ(a.room(name).messages.size(), 7U);
    EXPECT_EQ(a.room(name).messages, b.room(name).messages);
    EXPECT_TRUE(a.room(name).waiting.empty());
    EXPECT_EQ(a.rooms().figures().in_flight, 0U);
  }
}

// The server says that it has not run the publish, so nothing is unknown.
TEST_F(RedisRoomsPublishesTest, PublishThatEndsTheLink_IsRefused) {
  start_both();
  server.faults.error_for_all = "READONLY You can't write against a read only replica.";
  a.send("r", "2");
  run();
  EXPECT_EQ(a.told("r"), Told{"lost"});
  advance(a.rooms_settings.publish_timeout_ms + 100);
  EXPECT_EQ(a.told("r"), Told{"refused 2"});
}

TEST_F(RedisRoomsPublishesTest, PublishThatEndsTheLink_IsSentAgain) {
  start_both();
  server.faults.error_for_all = "READONLY You can't write against a read only replica.";
  a.send("r", "2");
  run();
  server.faults.error_for_all.clear();
  promote_other();
  reconnect(a, kOtherServer);
  EXPECT_EQ(a.told("r").back(), "placed 2");
  EXPECT_EQ(placed("2"), 1U);
}

TEST_F(RedisRoomsPublishesTest, PublishThatWasNotRun_IsNotUnknownAtAnotherServer) {
  start_both();
  server.faults.error_for_all = "READONLY You can't write against a read only replica.";
  a.send("r", "2");
  run();
  promote_other();
  other.faults.out_of_memory = true;  // so that the room cannot be opened
  reconnect(a, kOtherServer);
  advance(a.rooms_settings.publish_timeout_ms + 100);
  EXPECT_EQ(a.told("r"), (Told{"lost", "refused 2"}));
}

}  // namespace
}  // namespace wsd::engine
