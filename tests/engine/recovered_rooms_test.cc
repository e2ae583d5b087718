#include "engine/recovered_rooms.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "engine/log_rig.h"

namespace wsd::engine {
namespace {

// Segments of one run, on one boot.
LogSegmentHeader header() {
  LogSegmentHeader header;
  header.run = 1;
  header.boot_id = boot(1);
  return header;
}

std::string damage(const Recovered& recovered) {
  std::string text;
  for (const std::string& each : recovered.log.damage) text += each + "\n";
  return text;
}

TEST(RecoveredRooms, OldestOfTheLatestMessage_DropsThoseBelow) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "b");
  files.add(2, header()).room(0, "r", 5, 0, 1).message(0, 3, "c", 2).message(0, 4, "d", 3);
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "3=c 4=d");
}

TEST(RecoveredRooms, OldestOfADeclaration_DropsThoseBelow) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "b");
  files.add(2, header()).room(0, "r", 5, 0, 2);
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "2=b");
}

TEST(RecoveredRooms, OldestOfAVoidEpoch_DoesNotCount) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "b");
  files.add(2, header()).room(0, "r", 5, 0, 3).message(0, 3, "void", 3);
  files.add(3, header()).room(0, "r", 6, 2, 1).message(0, 3, "c", 1);
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "1=a 2=b 3=c");
}

TEST(RecoveredRooms, MessagesAboveFromOfALaterEpoch_AreVoid) {
  LogFiles files;
  auto& file = files.add(1, header()).room(0, "r", 5);
  file.message(0, 1, "a").message(0, 2, "b").message(0, 3, "void");
  file.room(1, "r", 6, 2).message(1, 3, "c");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
  const RecoveredRoom& room = *found.room("r");
  EXPECT_EQ(room.last, (Position{6, 3}));
  EXPECT_EQ(room.from, 2U);
  ASSERT_EQ(room.epochs.size(), 2U);
  EXPECT_EQ(room.epochs[0].epoch, 5U);
  EXPECT_EQ(room.epochs[0].from, 0U);
  EXPECT_EQ(room.epochs[1].epoch, 6U);
  EXPECT_EQ(room.epochs[1].from, 2U);
}

TEST(RecoveredRooms, LowestFromOfAllLaterEpochs_Counts) {
  LogFiles files;
  auto& file = files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "void");
  file.room(1, "r", 6, 1).message(1, 2, "b");
  file.room(2, "r", 7, 2).message(2, 3, "c");
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "1=a 2=b 3=c");
}

TEST(RecoveredRooms, LowestFromOfAnEpoch_Counts) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "void");
  files.add(2, header()).room(0, "r", 6, 2);
  files.add(3, header()).room(0, "r", 6, 1);
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "1=a");
}

TEST(RecoveredRooms, RoomThatBeganAgain_HasNothingOfItsEarlierLife) {
  LogFiles files;
  files.add(1, header())
      .room(0, "r", 5)
      .message(0, 1, "old")
      .message(0, 2, "old")
      .message(0, 3, "old");
  files[1].removal(0, 3, true);
  files.add(2, header()).room(0, "r", 6, 0).message(0, 1, "new");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=new");
  EXPECT_EQ(found.room("r")->last, (Position{6, 1}));
}

TEST(RecoveredRooms, DeclaredRoomWithoutAMessage_TellsWhereItsNumbersStand) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 6, 40, 41);
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.room("r")->last, (Position{6, 40}));
  EXPECT_EQ(found.messages("r"), "");
  EXPECT_EQ(damage(found), "");
}

// Compaction has written messages of the first segment again, in the second one.
TEST(RecoveredRooms, MessagesOutOfOrderAndTwice_AreTakenOnce) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "b").message(0, 3, "c");
  files.add(2, header()).room(0, "r", 5).message(0, 4, "d").message(0, 2, "b").message(0, 1, "a");
  files[2].message(0, 5, "e");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c 4=d 5=e");
  EXPECT_EQ(damage(found), "");
}

TEST(RecoveredRooms, CopyOfAMessageOfAnEarlierEpoch_IsValidUpToFrom) {
  LogFiles files;
  auto& file = files.add(1, header()).room(0, "r", 6, 2);
  file.message(0, 3, "c").message(0, 1, "a").message(0, 2, "b");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
  EXPECT_EQ(found.room("r")->last, (Position{6, 3}));
}

TEST(RecoveredRooms, Removals_ApplyInAnyOrder) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "b").message(0, 3, "c");
  files.add(2, header()).room(0, "r", 5).message(0, 4, "d").removal(0, 2).message(0, 2, "b");
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "1=a 2=- 3=c 4=d");
  files[2].removal(0, 3, true);
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "1=- 2=- 3=- 4=d");
}

TEST(RecoveredRooms, Placeholder_CountsBesideTheMessage) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "b");
  files.add(2, header()).room(0, "r", 5).placeholder(0, 1);
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "1=- 2=b");
  LogFiles turned;
  turned.add(1, header()).room(0, "r", 5).placeholder(0, 1).message(0, 2, "b");
  turned.add(2, header()).room(0, "r", 5).message(0, 1, "a");
  EXPECT_EQ(recover(turned, boot(1)).messages("r"), "1=- 2=b");
}

TEST(RecoveredRooms, RemovalOfAVoidMessage_LeavesTheLaterOneOfThatNumber) {
  LogFiles files;
  auto& file = files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "void");
  file.removal(0, 2).room(1, "r", 6, 1).message(1, 2, "b");
  EXPECT_EQ(recover(files, boot(1)).messages("r"), "1=a 2=b");
}

TEST(RecoveredRooms, Hole_KeepsWhatFollowsAndIsDamage) {
  LogFiles files;
  files.add(1, header()).room(0, "r\n", 5).message(0, 1, "a").message(0, 2, "b").message(0, 5, "e");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r\n"), "5=e");
  EXPECT_TRUE(found.room("r\n")->damaged);
  EXPECT_FALSE(found.log.epochs_go_on);
  EXPECT_EQ(damage(found), "room 'r\\x0a': its messages from 3 to 4 are missing\n");
}

TEST(RecoveredRooms, MissingEnd_IsDamage) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").room(1, "r", 6, 3);
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "");
  EXPECT_EQ(found.room("r")->last, (Position{6, 3}));
  EXPECT_TRUE(found.room("r")->damaged);
  EXPECT_EQ(damage(found), "room 'r': its messages from 2 to 3 are missing\n");
  EXPECT_TRUE(found.log.epochs_go_on);  // nothing of the epoch in use can be missing
}

TEST(RecoveredRooms, MissingHead_IsNoDamage) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 3, "c").message(0, 4, "d");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "3=c 4=d");
  EXPECT_FALSE(found.room("r")->damaged);
  EXPECT_EQ(damage(found), "");
}

// While the log had failed, the room had messages that it could not keep.
TEST(RecoveredRooms, HoleBeforeANewEpoch_IsNoDamage) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(0, 2, "b");
  files.add(2, header()).room(0, "r", 6, 2).message(0, 9, "i");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "9=i");
  EXPECT_FALSE(found.room("r")->damaged);
  EXPECT_EQ(damage(found), "");
  // Compaction has written the old ones again in the new epoch.
  files[2].message(0, 1, "a").message(0, 2, "b");
  files.unlink(1);
  files[2].dropped(1);
  const Recovered again = recover(files, boot(1));
  EXPECT_EQ(again.messages("r"), "9=i");
  EXPECT_EQ(damage(again), "");
}

TEST(RecoveredRooms, RecordOfARoomThatTheSegmentDoesNotDeclare_IsDamage) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a").message(1, 2, "b");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a");
  EXPECT_EQ(damage(found), "segment 00000001.log has records that belong to no room\n");
  EXPECT_FALSE(found.log.epochs_go_on);
}

TEST(RecoveredRooms, NumberThatIsDeclaredTwiceOrFarTooHigh_IsDamage) {
  for (const std::uint32_t number : {0U, ~0U}) {
    LogFiles files;
    files.add(1, header()).room(0, "r", 5).message(0, 1, "a").room(number, "s", 6);
    const Recovered found = recover(files, boot(1));
    EXPECT_EQ(found.messages("r"), "1=a");
    EXPECT_EQ(found.messages("s"), "no room");
    EXPECT_FALSE(found.log.epochs_go_on);
  }
}

// If the declaration is lost, what follows it must not go to another room.
TEST(RecoveredRooms, LostDeclaration_LosesItsMessagesOnly) {
  LogFiles files;
  files.add(1, header()).room(0, "r", 5).message(0, 1, "a");
  const std::size_t lost = files[1].size();
  files[1].room(1, "s", 6).message(1, 1, "x").synced().message(0, 2, "b").flip((lost + 20) * 8);
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a 2=b");
  EXPECT_EQ(found.messages("s"), "no room");
}

TEST(RecoveredRooms, ManyMessages_KeepOnlyTheLiveOnes) {
  LogFiles files;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    LogFile& file = files.add(number, header()).room(0, "r", 5).room(1, "s", 5);
    for (std::uint64_t i = 1; i <= 500; ++i) {
      const std::uint64_t seq = (number - 1) * 500 + i;
      file.message(0, seq, "x", seq > 700 ? seq - 699 : 1);
      file.message(1, seq, "y", seq > 10 ? seq - 9 : 1);
    }
  }
  const Recovered found = recover(files, boot(1));
  ASSERT_EQ(found.room("r")->messages.size(), 700U);
  EXPECT_EQ(found.room("r")->messages.front().seq, 801U);
  ASSERT_EQ(found.room("s")->messages.size(), 10U);
  EXPECT_EQ(found.room("s")->messages.front().seq, 1'491U);
}

TEST(RecoveredRooms, ManyDamagedRooms_AreCounted) {
  LogFiles files;
  LogFile& file = files.add(1, header());
  for (std::uint32_t room = 0; room < 30; ++room) {
    file.room(room, "room" + std::to_string(room), 5);
    file.message(room, 1, "a").message(room, 3, "c");
  }
  const Recovered found = recover(files, boot(1));
  ASSERT_EQ(found.log.damage.size(), 21U);
  EXPECT_EQ(found.log.damage.back(), "10 more rooms have missing messages");
}

}  // namespace
}  // namespace wsd::engine
