// Rooms on one server that does not fail: opening, publishing, delivering, closing.
#include "engine/redis_rooms.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/rooms_rig.h"

namespace wsd::engine {
namespace {

class RedisRoomsTest : public RoomsRig {};

TEST_F(RedisRoomsTest, EmptyRoom_Opens) {
  start(a);
  a.open("r");
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened"}));
  EXPECT_EQ(a.rooms().figures().live, 1U);
  EXPECT_EQ(server.subscribers("wsd1:{r}"), 1U);
}

TEST_F(RedisRoomsTest, OpenBeforeTheLinkIsUp_OpensWhenItIs) {
  a.start();
  nodes.push_back(&a);
  a.publish("r", "one");
  a.turn();
  EXPECT_FALSE(a.rooms().has_to_send());
  EXPECT_FALSE(a.rooms().caught_up());
  run();
  EXPECT_TRUE(a.rooms().caught_up());
  EXPECT_EQ(a.told("r"), (Told{"opened", "placed one"}));
}

TEST_F(RedisRoomsTest, Publish_IsPlacedHere_AndArrivesAtOtherNodes) {
  start(a);
  start(b);
  a.open("r");
  b.open("r");
  run();
  a.send("r", "one");
  run();
  b.send("r", "two");
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened", "placed one", "arrived two"}));
  EXPECT_EQ(b.told("r"), (Told{"opened", "arrived one", "placed two"}));
  EXPECT_EQ(a.room("r").messages, b.room("r").messages);
  EXPECT_EQ(a.rooms().figures().in_flight, 0U);
  EXPECT_EQ(a.rooms().figures().placed, 1U);
}

TEST_F(RedisRoomsTest, PushesAfterReplies_ChangeNothing) {
  server.faults.pushes_after_reply = true;
  start(a);
  start(b);
  b.open("r");
  for (int i = 0; i < 10; ++i) a.send("r", std::to_string(i));
  run();
  advance(1'500);
  EXPECT_EQ(a.room("r").messages, b.room("r").messages);
  EXPECT_EQ(a.room("r").messages.size(), 10U);
  EXPECT_EQ(a.rooms().figures().catch_ups, 0U);
}

TEST_F(RedisRoomsTest, PublishesOfOneTurn_AreOneBatch) {
  start(a);
  for (int i = 0; i < 70; ++i) a.publish("r", std::to_string(i));
  a.turn();
  run();
  ASSERT_EQ(server.placed().size(), 2U);
  EXPECT_EQ(server.placed()[0].count, 64U);
  EXPECT_EQ(server.placed()[1].count, 6U);
  EXPECT_EQ(a.room("r").last.seq, server.data().at("wsd1:{r}").stream.last_id.seq);
}

TEST_F(RedisRoomsTest, BatchOver64KiB_IsDivided) {
  start(a);
  for (int i = 0; i < 3; ++i) a.publish("r", std::string(30'000, 'x'));
  a.turn();
  run();
  ASSERT_EQ(server.placed().size(), 2U);
  EXPECT_EQ(server.placed()[0].count, 2U);
}

TEST_F(RedisRoomsTest, WriteUnderWay_BatchGrows) {
  start(a);
  a.open("r");
  run();
  network.set_send_window(10);
  for (int i = 0; i < 20; ++i) a.send("r", std::to_string(i));
  run();
  EXPECT_EQ(server.placed().size(), 2U);
  EXPECT_EQ(a.room("r").messages.size(), 20U);
}

TEST_F(RedisRoomsTest, Opening_ReadsTheHistoryNewestFirst_UpToTheLimit) {
  start(a);
  for (int i = 1; i <= 30; ++i) a.send("r", std::to_string(i));
  run();
  b.config.history.messages = 3;
  start(b);
  b.open("r");
  run();
  EXPECT_EQ(b.told("r"), (Told{"opened 28 29 30"}));
  EXPECT_EQ(b.room("r").last, a.room("r").last);
}

TEST_F(RedisRoomsTest, Opening_WithoutHistory_ReadsNoPage) {
  start(a);
  a.send("r", "1");
  run();
  b.config.history.messages = 0;
  start(b);
  server.reset_calls();
  b.open("r");
  run();
  EXPECT_EQ(b.told("r"), (Told{"opened"}));
  EXPECT_EQ(server.calls("evalsha page"), 0U);
  EXPECT_EQ(b.room("r").last, a.room("r").last);
}

TEST_F(RedisRoomsTest, Opening_LongHistory_TakesSeveralPages) {
  start(a);
  for (int i = 0; i < 60; ++i) a.send("r", std::string(10'000, 'x') + std::to_string(i));
  run();
  start(b);
  server.reset_calls();
  b.open("r");
  run();
  EXPECT_GE(server.calls("evalsha page"), 3U);
  EXPECT_EQ(b.room("r").messages, a.room("r").messages);
}

TEST_F(RedisRoomsTest, MessagesWhilePagesAreRead_ComeOnceAndInOrder) {
  start(a);
  for (int i = 0; i < 60; ++i) a.send("r", std::string(10'000, 'x') + std::to_string(i));
  run();
  start(b);
  b.open("r");
  for (int i = 0; i < 200; ++i) {
    network.step();
    b.turn();
    a.send("r", "later " + std::to_string(i));
  }
  run();
  EXPECT_GE(a.room("r").messages.size(), 260U);
  for (const auto& [position, text] : b.room("r").messages) {
    EXPECT_EQ(a.room("r").messages.at(position), text);
  }
  EXPECT_EQ(b.room("r").last, a.room("r").last);
}

TEST_F(RedisRoomsTest, MessageWhileAPageIsRead_ComesWithoutALaterOne) {
  start(a);
  for (int i = 0; i < 60; ++i) {
    a.send("r", std::string(10'000, 'x') + std::to_string(i));
    run();
  }
  start(b);
  server.reset_calls();
  b.open("r");
  while (server.calls("evalsha page") < 2) {
    b.turn();
    network.step();
  }
  a.send("r", "later");
  run();
  EXPECT_EQ(b.told("r").back(), "arrived later");
  EXPECT_EQ(b.room("r").messages, a.room("r").messages);
}

TEST_F(RedisRoomsTest, RoomWithoutHistoryThatOpensAgainAndAgain_IsTrimmed) {
  a.config.history.messages = 0;
  a.rooms_settings.linger_ms = 1'000;
  start(a);
  for (int i = 0; i < 300; ++i) {
    a.send("r", std::to_string(i));
    run();
    a.unwanted("r");
    advance(1'100);
    ASSERT_EQ(a.told("r").back(), "closed");
  }
  EXPECT_LE(server.data().at("wsd1:{r}").stream.size(), 200U);
  EXPECT_GE(server.data().at("wsd1:{r}").stream.size(), 128U);
}

TEST_F(RedisRoomsTest, AgeOfKeptMessages_IsByTheClockOfTheServer) {
  start(a);
  a.send("r", "1");
  run();
  advance(20'000);
  b.now_ms = 7'000'000;  // another clock
  start(b);
  b.open("r");
  run();
  ASSERT_EQ(b.kept_at.size(), 1U);
  EXPECT_EQ(b.kept_at[0], (b.now_ms - 20'000) / kTickMs);
}

TEST_F(RedisRoomsTest, AgedMessages_AreNotKept) {
  start(a);
  a.send("r", "1");
  run();
  advance(20'000);
  a.send("r", "2");
  run();
  b.config.history.age = ticks_for_ms(10'000);
  start(b);
  b.open("r");
  run();
  EXPECT_EQ(b.told("r"), (Told{"opened 2"}));
}

TEST_F(RedisRoomsTest, UnwantedRoom_ClosesAfterItsTime) {
  start(a);
  a.send("r", "1");
  run();
  a.unwanted("r");
  advance(9'900);
  EXPECT_EQ(server.subscribers("wsd1:{r}"), 1U);
  advance(200);
  EXPECT_EQ(a.told("r"), (Told{"opened", "placed 1", "closed"}));
  EXPECT_EQ(server.subscribers("wsd1:{r}"), 0U);
  EXPECT_EQ(a.rooms().figures().live, 0U);
}

// A shard that is slow may still hold messages for members that have left.
TEST_F(RedisRoomsTest, UnwantedRoomWhoseMessagesWait_StaysOpen) {
  start(a);
  a.open("r");
  run();
  hub::RoomHome& home = a.room("r").home;
  home.append(frame_of_message({false, "waits"}), 0);
  a.unwanted("r");
  advance(25'000);
  EXPECT_EQ(a.told("r"), (Told{"opened"}));
  static_cast<void>(home.take_pending());
  advance(10'100);
  EXPECT_EQ(a.told("r"), (Told{"closed"}));
}

TEST_F(RedisRoomsTest, UnwantedRoomThatIsWantedAgain_StaysOpen) {
  start(a);
  a.open("r");
  run();
  a.unwanted("r");
  a.open("r");
  advance(20'000);
  EXPECT_EQ(a.told("r"), (Told{"opened"}));
}

TEST_F(RedisRoomsTest, RoomThatOpensWhileItLeaves_IsNotLost) {
  start(a);
  a.send("r", "1");
  run();
  a.unwanted("r");
  advance(9'900);
  server.reset_calls();
  a.at(a.now_ms + 200);  // closes, and nothing moves on the network
  a.open("r");
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened", "placed 1", "closed", "opened 1"}));
  EXPECT_EQ(server.subscribers("wsd1:{r}"), 1U);
  EXPECT_EQ(server.calls("evalsha open"), 1U);
  a.send("r", "2");
  run();
  EXPECT_EQ(a.told("r"), (Told{"placed 2"}));
}

TEST_F(RedisRoomsTest, Check_IsAnsweredAfterAllThatHasAPosition) {
  start(a);
  start(b);
  a.open("r");
  b.open("r");
  run();
  b.send("r", "1");
  network.send(*network.lines()[1]);
  network.serve(*network.lines()[1]);
  a.check("r");
  a.turn();
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened", "arrived 1", "checked"}));
}

TEST_F(RedisRoomsTest, HoldBack_LeavesTheSocketUnread) {
  start(a);
  start(b);
  a.open("r");
  run();
  a.rooms().hold_back(true);
  b.send("r", "1");
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened"}));
  a.rooms().hold_back(false);
  run();
  EXPECT_EQ(a.told("r"), (Told{"arrived 1"}));
}

TEST_F(RedisRoomsTest, SilentRoom_KeepsItsKey) {
  start(a);
  a.open("r");
  run();
  for (int i = 0; i < 20; ++i) advance(600'000);
  a.send("r", "1");
  run();
  EXPECT_EQ(a.told("r"), (Told{"opened", "placed 1"}));
}

TEST_F(RedisRoomsTest, TextAndBinary_KeepTheirType) {
  const std::string payload(70'000, 'p');
  for (const std::size_t size : {0U, 125U, 126U, 65'535U, 65'536U, 70'000U}) {
    for (const bool binary : {false, true}) {
      const BatchMessage message{binary, std::string_view(payload).substr(0, size)};
      const SharedBytes frame = frame_of_message(message);
      const BatchMessage back = message_of_frame(frame);
      EXPECT_EQ(back.binary, binary);
      EXPECT_TRUE(back.payload == message.payload) << size;
    }
  }
}

}  // namespace
}  // namespace wsd::engine
