#include "engine/log_recovery.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/little_endian.h"
#include "engine/log_rig.h"

namespace wsd::engine {
namespace {

constexpr std::uint64_t kFirstEpoch = 1'000;

LogSegmentHeader run(std::uint64_t number, HistorySync mode = HistorySync::kInterval,
                     std::uint8_t boot_number = 1) {
  LogSegmentHeader header;
  header.run = number;
  header.first_epoch = kFirstEpoch + (number - 1) * kLogEpochsPerRun;
  header.boot_id = boot(boot_number);
  header.mode = mode;
  return header;
}

LogSegmentHeader new_epochs(std::uint64_t number, std::uint32_t declared) {
  LogSegmentHeader header = run(number);
  header.new_epochs = true;
  header.declared = declared;
  return header;
}

// A directory with one segment of three messages.
LogFiles one_segment(HistorySync mode = HistorySync::kInterval) {
  LogFiles files;
  files.add(1, run(1, mode))
      .room(0, "r", 5)
      .message(0, 1, "a")
      .message(0, 2, "b")
      .message(0, 3, "c", 1, 99);
  return files;
}

std::string damage(const Recovered& recovered) {
  std::string text;
  for (const std::string& each : recovered.log.damage) text += each + "\n";
  return text;
}

TEST(LogRecovery, NoFiles_AreAnEmptyLog) {
  const Recovered found = recover({}, boot(1));
  EXPECT_TRUE(found.log.rooms.empty());
  EXPECT_TRUE(found.log.epochs_go_on);
  EXPECT_EQ(found.log.next_segment, 1U);
  EXPECT_EQ(found.log.run, 1U);
  EXPECT_EQ(found.log.first_epoch, 0U);
}

TEST(LogRecovery, OneSegment_GivesItsRoomAndTheNumbersOfTheNextRun) {
  const LogFiles files = one_segment();
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
  const RecoveredRoom* const room = found.room("r");
  ASSERT_NE(room, nullptr);
  EXPECT_EQ(room->last, (Position{5, 3}));
  EXPECT_EQ(room->messages.back().wall_ms, 99U);
  EXPECT_FALSE(room->damaged);
  EXPECT_TRUE(found.log.epochs_go_on);
  EXPECT_EQ(damage(found), "");
  EXPECT_EQ(found.log.next_segment, 2U);
  EXPECT_EQ(found.log.run, 2U);
  EXPECT_EQ(found.log.first_epoch, kFirstEpoch + kLogEpochsPerRun);
  EXPECT_EQ(found.log.records, 4U);
  EXPECT_EQ(found.log.bytes, files.all().at(1).size());
  EXPECT_EQ(found.kept, (std::vector{files.all().at(1).entry()}));
  EXPECT_TRUE(found.unlinks.empty());
}

TEST(LogRecovery, OtherBoot_BeginsNewEpochs_UnlessEachOrCleanEnd) {
  EXPECT_FALSE(recover(one_segment(), boot(2)).log.epochs_go_on);
  EXPECT_FALSE(recover(one_segment(HistorySync::kOff), boot(2)).log.epochs_go_on);
  EXPECT_TRUE(recover(one_segment(HistorySync::kEach), boot(2)).log.epochs_go_on);
  LogFiles files = one_segment();
  files[1].end();
  EXPECT_TRUE(recover(files, boot(2)).log.epochs_go_on);
}

TEST(LogRecovery, CopiedFiles_BeginNewEpochsAndKeepTheHistory) {
  LogFiles files = one_segment(HistorySync::kEach);
  files[1].end();
  files.copy();
  const Recovered found = recover(files, boot(1));
  EXPECT_FALSE(found.log.epochs_go_on);
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
  EXPECT_EQ(damage(found), "");
}

TEST(LogRecovery, OtherBirthTimeOfTheSameInode_BeginsNewEpochs) {
  LogFiles files = one_segment();
  files[1].birth_ns += 1;
  EXPECT_FALSE(recover(files, boot(1)).log.epochs_go_on);
}

TEST(LogRecovery, FailedLastSegment_BeginsNewEpochs_AnOlderOneDoesNot) {
  LogFiles files = one_segment();
  files[1].fail();
  EXPECT_FALSE(recover(files, boot(1)).log.epochs_go_on);
  files.add(2, run(1));
  EXPECT_TRUE(recover(files, boot(1)).log.epochs_go_on);
}

TEST(LogRecovery, TornEnd_IsCutAndIsNoDamage) {
  LogFiles files = one_segment();
  const std::size_t good = files[1].size();
  files[1].message(0, 4, "torn").cut(good + 20);
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
  EXPECT_TRUE(found.log.epochs_go_on);
  EXPECT_EQ(damage(found), "");
  EXPECT_EQ(found.kept, (std::vector<LogSegmentEntry>{{1, good}}));
}

// a12: "each: one bit flipped in the middle of the last segment, cut there".
TEST(LogRecovery, DamageInTheMiddleOfTheLastSegment_BeginsNewEpochsAndKeepsWhatFollows) {
  LogFiles files;
  files.add(1, run(1, HistorySync::kEach)).room(0, "r", 5).message(0, 1, "a");
  const std::size_t second = files[1].size();
  files[1].message(0, 2, "b").synced().message(0, 3, "c").flip(second * 8);
  const Recovered found = recover(files, boot(1));
  EXPECT_FALSE(found.log.epochs_go_on);
  EXPECT_EQ(found.messages("r"), "3=c");
  EXPECT_TRUE(found.room("r")->damaged);
  EXPECT_EQ(damage(found), "segment 00000001.log is damaged at byte " + std::to_string(second) +
                               "\nroom 'r': its messages from 2 to 2 are missing\n");
}

TEST(LogRecovery, PowerLossWithinAGroup_CutsTheLogBeforeTheBadBytes) {
  for (const HistorySync mode : {HistorySync::kEach, HistorySync::kInterval, HistorySync::kOff}) {
    LogFiles files = one_segment(mode);
    const std::size_t good = files[1].size();
    files[1].synced().message(0, 4, "lost").message(0, 5, "e").dropped(7);
    files[1].flip(good * 8);
    const Recovered found = recover(files, boot(2));
    EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
    EXPECT_EQ(damage(found), "");
    EXPECT_EQ(found.log.epochs_go_on, mode == HistorySync::kEach);
    EXPECT_EQ(found.kept, (std::vector<LogSegmentEntry>{{1, good}}));
  }
}

TEST(LogRecovery, BadBytesThatWereSynced_AreDamageAfterAPowerLossToo) {
  LogFiles files = one_segment(HistorySync::kEach);
  const std::size_t good = files[1].size();
  files[1].synced().message(0, 4, "bad").synced().message(0, 5, "e");
  files[1].flip(good * 8);
  const Recovered found = recover(files, boot(2));
  EXPECT_FALSE(found.log.epochs_go_on);
  EXPECT_EQ(found.messages("r"), "5=e");
  EXPECT_NE(damage(found), "");
}

TEST(LogRecovery, FlippedBitInTheLastRecord_IsNotTakenForATornEnd) {
  LogFiles files = one_segment();
  files[1].flip((files[1].size() - 8) * 8);
  const Recovered found = recover(files, boot(1));
  EXPECT_FALSE(found.log.epochs_go_on);
  EXPECT_EQ(found.messages("r"), "1=a 2=b");
  EXPECT_NE(damage(found), "");
}

TEST(LogRecovery, OlderSegment_IsReadUpToItsGoodLengthOnly) {
  LogFiles files = one_segment();
  files.add(2, run(2)).room(0, "r", 5).message(0, 4, "d");
  files[1].message(0, 5, "beyond").bytes({1, 2, 3});
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c 4=d");
  EXPECT_TRUE(found.log.epochs_go_on);
  EXPECT_EQ(damage(found), "");
}

TEST(LogRecovery, DamagedOlderSegments_AreReported) {
  const auto with = [](const auto& change) {
    LogFiles files = one_segment(HistorySync::kEach);
    files.add(2, run(2, HistorySync::kEach)).room(0, "r", 5).message(0, 4, "d");
    change(files);
    const Recovered found = recover(files, boot(1));
    EXPECT_FALSE(found.log.epochs_go_on);
    return damage(found) + found.messages("r");
  };
  EXPECT_EQ(with([](LogFiles& files) { files.unlink(1); }), "segment 00000001.log is missing\n4=d");
  EXPECT_EQ(with([](LogFiles& files) { files[1].flip(30 * 8); }),
            "segment 00000001.log has a damaged header\n4=d");
  EXPECT_EQ(with([](LogFiles& files) { files[1].cut(files[1].size() - 8); }),
            "segment 00000001.log has 272 bytes instead of 280\n"
            "segment 00000001.log is damaged at byte 232\n"
            "room 'r': its messages from 3 to 3 are missing\n4=d");
  EXPECT_EQ(with([](LogFiles& files) { files[1].flip((files[1].size() - 1) * 8); }),
            "segment 00000001.log is damaged at byte 232\n"
            "room 'r': its messages from 3 to 3 are missing\n4=d");
  // A file of another number in its stead.
  EXPECT_EQ(with([](LogFiles& files) {
              LogFile other = files[2];
              files[1] = other;
            }),
            "segment 00000001.log has a damaged header\n4=d");
}

TEST(LogRecovery, UnreadableSegments_AreDamage) {
  LogFiles files = one_segment(HistorySync::kEach);
  files.add(2, run(2, HistorySync::kEach)).room(0, "r", 5).message(0, 4, "d");
  const Recovered older = recover(files, boot(1), 1);
  EXPECT_FALSE(older.log.epochs_go_on);
  EXPECT_EQ(damage(older), "segment 00000001.log cannot be read: Input/output error\n");
  EXPECT_EQ(older.messages("r"), "4=d");
  const Recovered last = recover(files, boot(1), 2);
  EXPECT_FALSE(last.log.epochs_go_on);
  EXPECT_EQ(last.messages("r"), "1=a 2=b 3=c");
  EXPECT_EQ(last.log.run, 3U);
}

TEST(LogRecovery, UnlistedOlderFile_IsIgnoredAndUnlinked) {
  LogFiles files = one_segment();
  files.unlink(1);
  files.add(2, run(2)).room(0, "s", 5).message(0, 1, "a");
  LogFiles other = one_segment();
  LogFile stale = other[1];
  files.add(1, {});
  files[1] = stale;
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "no room");
  EXPECT_EQ(found.messages("s"), "1=a");
  EXPECT_EQ(found.unlinks, std::vector<std::uint64_t>{1});
  EXPECT_TRUE(found.log.epochs_go_on);
}

TEST(LogRecovery, DroppedSegment_IsIgnoredWhetherOrNotItsFileIsThere) {
  LogFiles files = one_segment();
  files.add(2, run(1)).room(0, "r", 5).message(0, 3, "c", 3).dropped(1);
  const Recovered with_file = recover(files, boot(1));
  EXPECT_EQ(with_file.messages("r"), "3=c");
  EXPECT_EQ(with_file.unlinks, std::vector<std::uint64_t>{1});
  EXPECT_EQ(with_file.kept, (std::vector{files[2].entry()}));
  files.unlink(1);
  const Recovered without = recover(files, boot(1));
  EXPECT_EQ(without.messages("r"), "3=c");
  EXPECT_EQ(damage(without), "");
  EXPECT_TRUE(without.log.epochs_go_on);
}

// A snapshot of a running system, on the same boot.
TEST(LogRecovery, EachWithoutASyncBehindBadBytes_EndsBeforeThem) {
  LogFiles files = one_segment(HistorySync::kEach);
  const std::size_t second = files[1].size() - 2 * log_message_size(1);
  files[1].flip(second * 8);
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a");
  EXPECT_FALSE(found.log.epochs_go_on);
  EXPECT_EQ(damage(found),
            "segment 00000001.log is damaged at byte " + std::to_string(second) + "\n");
}

TEST(LogRecovery, BadBytesInAFailedSegment_EndItAndAreNoDamage) {
  LogFiles files = one_segment();
  const std::size_t second = files[1].size() - 2 * log_message_size(1);
  files[1].fail().flip(second * 8);
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("r"), "1=a");
  EXPECT_FALSE(found.log.epochs_go_on);
  EXPECT_EQ(damage(found), "");
}

TEST(LogRecovery, ZerosAtTheEnd_PutTheEpochsInDoubtOnTheSameBootOnly) {
  LogFiles files = one_segment(HistorySync::kEach);
  files[1].bytes(std::vector<std::uint8_t>(64));
  EXPECT_TRUE(recover(files, boot(2)).log.epochs_go_on);
  const Recovered found = recover(files, boot(1));
  EXPECT_FALSE(found.log.epochs_go_on);
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
  EXPECT_EQ(damage(found), "");
}

TEST(LogRecovery, NewSegmentWithTheBytesOfAnOldFile_WasNeverUsed) {
  LogFiles files = one_segment(HistorySync::kEach);
  const Bytes old = files[1].contents();
  files.add(2, run(2)).cut(0).bytes({old.begin(), old.end()});
  const Recovered found = recover(files, boot(2));
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
  EXPECT_TRUE(found.log.epochs_go_on);
  EXPECT_EQ(damage(found), "");
  EXPECT_EQ(found.unlinks, std::vector<std::uint64_t>{2});
}

TEST(LogRecovery, TornHeaderWithDeclarationsBehindIt_WasNeverUsed) {
  LogFiles files = one_segment(HistorySync::kEach);
  files.add(2, new_epochs(2, 1)).room(0, "r", 2'000, 3).flip((kLogHeaderFields + 3) * 8);
  const Recovered found = recover(files, boot(2));
  EXPECT_TRUE(found.log.epochs_go_on);
  EXPECT_EQ(found.unlinks, std::vector<std::uint64_t>{2});
  files[2].message(0, 4, "d");
  EXPECT_FALSE(recover(files, boot(2)).log.epochs_go_on);
}

TEST(LogRecovery, DamagedFirstSegmentOfARunWithNewEpochs_BeginsNewEpochs) {
  LogFiles files = one_segment();
  files.add(2, new_epochs(2, 1)).room(0, "r", 2'000, 3);
  files.add(3, new_epochs(2, 0)).room(0, "r", 2'000, 3).message(0, 4, "d");
  EXPECT_TRUE(recover(files, boot(1)).log.epochs_go_on);
  files[2].flip(200);
  EXPECT_FALSE(recover(files, boot(1)).log.epochs_go_on);
}

TEST(LogRecovery, SegmentThatWasNeverUsed_IsIgnored) {
  // No bytes, a header of which a part is missing, and one that is only zeros.
  for (const std::size_t size : {std::size_t{0}, std::size_t{30}, kLogHeaderFields}) {
    LogFiles files = one_segment();
    files.add(2, run(2)).cut(size);
    if (size == kLogHeaderFields) files[2].bytes(std::vector<std::uint8_t>(3'000));
    const Recovered found = recover(files, boot(1));
    EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
    EXPECT_TRUE(found.log.epochs_go_on);
    EXPECT_EQ(damage(found), "");
    EXPECT_EQ(found.unlinks, std::vector<std::uint64_t>{2});
    EXPECT_EQ(found.log.next_segment, 3U);
    EXPECT_EQ(found.log.run, 3U);
    EXPECT_EQ(found.log.first_epoch, kFirstEpoch + 2 * kLogEpochsPerRun);
  }
}

TEST(LogRecovery, DamagedHeaderOfAUsedLastSegment_IsDamage) {
  LogFiles files = one_segment();
  files.add(2, run(2)).room(0, "r", 5).message(0, 4, "d");
  for (std::size_t bit = 0; bit < kLogHeaderFields * 8; ++bit) {
    LogFiles damaged = files;
    damaged[2].flip(bit);
    const Recovered found = recover(damaged, boot(1));
    EXPECT_FALSE(found.log.epochs_go_on) << bit;
    EXPECT_GE(found.log.first_epoch, kFirstEpoch + 2 * kLogEpochsPerRun) << bit;
  }
}

TEST(LogRecovery, NewEpochsWhoseDeclarationsAreNotComplete_WereNeverUsed) {
  LogFiles files = one_segment();
  files.add(2, new_epochs(2, 2)).room(0, "r", 2'000, 3).room(1, "s", 2'001, 0);
  const Recovered whole = recover(files, boot(1));
  EXPECT_EQ(whole.room("r")->last, (Position{2'000, 3}));
  EXPECT_EQ(whole.messages("r"), "1=a 2=b 3=c");
  files[2].cut(files[2].size() - 1);
  const Recovered torn = recover(files, boot(1));
  EXPECT_EQ(torn.room("r")->last, (Position{5, 3}));
  EXPECT_TRUE(torn.log.epochs_go_on);
  EXPECT_EQ(torn.unlinks, std::vector<std::uint64_t>{2});
}

TEST(LogRecovery, RoomThatWasNotDeclaredWithTheNewEpochs_IsDead) {
  LogFiles files = one_segment();
  files[1].room(1, "dead", 6).message(1, 1, "x");
  files.add(2, new_epochs(2, 1)).room(0, "r", 2'000, 3);
  files.add(3, new_epochs(2, 0)).room(0, "later", 2'001).message(0, 1, "y");
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(found.messages("dead"), "no room");
  EXPECT_EQ(found.messages("r"), "1=a 2=b 3=c");
  EXPECT_EQ(found.messages("later"), "1=y");
}

TEST(LogRecovery, DamageBeforeTheNewEpochs_LeavesTheEpochsInUse) {
  LogFiles files = one_segment();
  files.add(2, new_epochs(2, 1)).room(0, "r", 2'000, 3).message(0, 4, "d");
  files[1].flip((files[1].size() - 2 * log_message_size(1)) * 8);
  const Recovered found = recover(files, boot(1));
  EXPECT_NE(damage(found), "");
  EXPECT_EQ(found.messages("r"), "3=c 4=d");
  EXPECT_TRUE(found.room("r")->damaged);
  EXPECT_TRUE(found.log.epochs_go_on);
  EXPECT_EQ(found.kept.front(), files[1].entry());  // still listed, so that it is not unlinked
}

TEST(LogRecovery, NewerFormat_IsAnError) {
  LogFiles files = one_segment();
  auto bytes = encode_log_header(files[1].header());
  bytes[8] = 2;
  store_little_endian(bytes.data() + 16,
                      crc32c(Bytes(bytes).subspan(24), crc32c(Bytes(bytes).first(16))));
  files[1].cut(0).bytes(bytes);
  EXPECT_EQ(recover(files, boot(1)).error,
            "segment 00000001.log has the format version 2, and this version of wsd reads only "
            "version 1: start the newer wsd, or use another directory");
  EXPECT_EQ(recover(one_segment(), boot(1)).error, "");
}

TEST(LogRecovery, HeaderLongerThanTheFirstRead_IsAskedFor) {
  LogFiles files;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    files.add(number, run(1)).room(0, "r", 5).message(0, number, "x");
  }
  EXPECT_GT(files[300].size(), kLogFirstRead);
  const Recovered found = recover(files, boot(1));
  EXPECT_EQ(damage(found), "");
  EXPECT_EQ(found.room("r")->messages.size(), 300U);
  EXPECT_EQ(found.kept.size(), 300U);
  EXPECT_EQ(found.parts, 300U);
}

}  // namespace
}  // namespace wsd::engine
