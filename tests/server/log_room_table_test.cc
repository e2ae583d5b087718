#include "server/log_room_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::server {
namespace {

constexpr std::size_t kRecord = 100;

TEST(LogRoomTable, RoomWithoutMessages_HasNothingLive) {
  LogRoomTable rooms;
  LogRoom& room = rooms.declare(0, 1, "room", {5, 0}, 0);
  EXPECT_FALSE(room.keeps_messages());
  EXPECT_FALSE(room.is_live(5, 1));
  EXPECT_EQ(rooms.live_bytes(), 0U);
  EXPECT_EQ(rooms.at(0, 1), &room);
  EXPECT_EQ(rooms.find("room"), &room);
  EXPECT_EQ(rooms.at(0, 2), nullptr);
  EXPECT_EQ(rooms.at(1, 1), nullptr);
}

TEST(LogRoomTable, Messages_AreLiveFromTheOldestToTheLast) {
  LogRoomTable rooms;
  LogRoom& room = rooms.declare(0, 1, "room", {5, 0}, 0);
  for (std::uint64_t seq = 1; seq <= 10; ++seq)
    rooms.add(room, seq, seq < 4 ? 1 : seq - 3, kRecord);
  EXPECT_FALSE(room.is_live(5, 6));
  EXPECT_TRUE(room.is_live(5, 7));
  EXPECT_TRUE(room.is_live(5, 10));
  EXPECT_FALSE(room.is_live(5, 11));
  EXPECT_EQ(rooms.live_bytes(), 4 * kRecord);
}

TEST(LogRoomTable, EarlierEpochs_AreLiveUpToFromOfEachLaterEpoch) {
  LogRoomTable rooms;
  LogRoom& room = rooms.declare(0, 1, "room", {5, 0}, 0);
  for (std::uint64_t seq = 1; seq <= 6; ++seq) rooms.add(room, seq, 1, kRecord);
  rooms.declare(0, 1, "room", {7, 0}, 4);
  EXPECT_EQ(room.last(), 4U);
  rooms.add(room, 5, 1, kRecord);
  rooms.declare(0, 1, "room", {9, 0}, 5);
  rooms.add(room, 6, 1, kRecord);
  EXPECT_TRUE(room.is_live(5, 4));
  EXPECT_FALSE(room.is_live(5, 5)) << "epoch 7 takes over after 4";
  EXPECT_TRUE(room.is_live(7, 5));
  EXPECT_FALSE(room.is_live(7, 6));
  EXPECT_TRUE(room.is_live(9, 6));
  // Later the oldest live message is beyond both, and nothing of epochs 5 and 7 can be live.
  rooms.add(room, 7, 7, kRecord);
  EXPECT_FALSE(room.is_live(5, 7));
  EXPECT_FALSE(room.is_live(7, 7));
  EXPECT_TRUE(room.is_live(9, 7));
}

TEST(LogRoomTable, EndedRoom_HasNothingLiveAndItsNumberIsFree) {
  LogRoomTable rooms;
  rooms.add(rooms.declare(0, 1, "a", {5, 0}, 0), 1, 1, kRecord);
  rooms.end(0, 1);
  EXPECT_EQ(rooms.find("a"), nullptr);
  EXPECT_EQ(rooms.live_bytes(), 0U);
  rooms.end(0, 1);
  rooms.add(rooms.declare(0, 1, "b", {6, 0}, 0), 1, 1, kRecord);
  EXPECT_EQ(rooms.find("b"), rooms.at(0, 1));
  EXPECT_EQ(rooms.rooms(), 1U);
}

TEST(LogRoomTable, NumberOfAnotherRoom_EndsTheRoomThatHadIt) {
  LogRoomTable rooms;
  rooms.add(rooms.declare(0, 1, "a", {5, 0}, 0), 1, 1, kRecord);
  rooms.declare(0, 1, "b", {6, 0}, 0);
  EXPECT_EQ(rooms.find("a"), nullptr);
  EXPECT_EQ(rooms.live_bytes(), 0U);
}

TEST(LogRoomTable, NameWithANewNumber_BelongsToTheNewestRoom) {
  LogRoomTable rooms;
  rooms.declare(0, 1, "a", {5, 0}, 0);
  LogRoom& newest = rooms.declare(0, 2, "a", {6, 0}, 0);
  EXPECT_EQ(rooms.find("a"), &newest);
  rooms.end(0, 1);
  EXPECT_EQ(rooms.find("a"), &newest);
}

TEST(LogRoomTable, Removals_AreKnownWhileTheMessageIsLive) {
  LogRoomTable rooms;
  LogRoom& room = rooms.declare(0, 1, "room", {5, 0}, 0);
  for (std::uint64_t seq = 1; seq <= 5; ++seq) rooms.add(room, seq, 1, kRecord);
  rooms.remove(room, 4, false);
  rooms.remove(room, 4, false);
  rooms.remove(room, 2, true);
  EXPECT_TRUE(room.is_removed(1));
  EXPECT_TRUE(room.is_removed(2));
  EXPECT_FALSE(room.is_removed(3));
  EXPECT_TRUE(room.is_removed(4));
  // The next epoch takes over after 3, so its message 4 is another one.
  rooms.declare(0, 1, "room", {6, 0}, 3);
  rooms.add(room, 4, 2, kRecord);
  EXPECT_FALSE(room.is_removed(4));
  EXPECT_FALSE(room.is_removed(1)) << "no longer live";
  EXPECT_TRUE(room.is_removed(2));
}

TEST(LogRoomTable, UndoneGroup_LeavesTheFormerLiveMessages) {
  LogRoomTable rooms;
  LogRoom& room = rooms.declare(0, 1, "room", {5, 0}, 0);
  rooms.begin_group();
  for (std::uint64_t seq = 1; seq <= 3; ++seq) rooms.add(room, seq, 1, kRecord);
  rooms.begin_group();
  rooms.add(room, 4, 2, kRecord);
  rooms.add(room, 5, 3, kRecord);
  rooms.undo_group();
  EXPECT_TRUE(room.is_live(5, 1));
  EXPECT_FALSE(room.is_live(5, 4));
  EXPECT_EQ(rooms.live_bytes(), 3 * kRecord);
}

TEST(LogRoomTable, RestoredRoom_HasItsEpochsAndRemovals) {
  engine::RecoveredRoom recovered;
  recovered.name = "room";
  recovered.epochs = {{5, 0}, {7, 4}};
  recovered.last = {7, 6};
  for (std::uint64_t seq = 3; seq <= 6; ++seq) {
    recovered.messages.push_back({seq, 0, seq == 4 ? SharedBytes() : SharedBytes::make(60)});
  }
  LogRoomTable rooms;
  rooms.restore(recovered);
  LogRoom& room = rooms.declare(0, 1, "room", {7, 0}, 0);
  rooms.keep_from(room, 3);
  EXPECT_EQ(room.from(), 4U);
  EXPECT_TRUE(room.is_live(5, 4));
  EXPECT_FALSE(room.is_live(5, 5));
  EXPECT_TRUE(room.is_live(7, 6));
  EXPECT_TRUE(room.is_removed(4));
  EXPECT_GT(rooms.live_bytes(), 4 * 60U - 60U);
  EXPECT_TRUE(rooms.take_left_out().empty());
  rooms.end(0, 1);
  EXPECT_FALSE(rooms.declare(0, 1, "room", {8, 0}, 0).is_removed(4));
}

}  // namespace
}  // namespace wsd::server
