#include "server/log_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "engine/log_segment.h"
#include "server/log_store_rig.h"

namespace wsd::server {
namespace {

using Answered = LogRun::Answered;

constexpr std::uint64_t kSmallSegment = 4096;

// Publishes to one room in batches of one, each in a group of its own.
void publish_many(LogRun& run, const std::string& room, int count, std::uint64_t keeps = 1000) {
  for (int i = 0; i < count; ++i) {
    run.publish_and_write(room, "message " + std::to_string(i), keeps);
  }
}

bool ends_cleanly(const LogFolder& folder) {
  const std::string file = read_file(folder.file(folder.segments().back()));
  const engine::DecodedLogHeader header = engine::decode_log_header(as_bytes(file));
  engine::LogSegmentReader reader(header.seed, as_bytes(file), header.size);
  while (reader.next()) {
  }
  return reader.ended_cleanly();
}

// Returns which records of the first segment say that all before them was on disk: "1" or "0" each.
std::string sync_marks(const LogFolder& folder) {
  const std::string file = read_file(folder.file("00000001.log"));
  const engine::DecodedLogHeader header = engine::decode_log_header(as_bytes(file));
  engine::LogSegmentReader reader(header.seed, as_bytes(file), header.size);
  std::string marks;
  while (const auto record = reader.next()) marks += record->after_sync ? "1" : "0";
  return marks;
}

TEST(LogStore, EmptyDirectory_HasNoRoomsAndEpochsGoOn) {
  LogFolder folder;
  LogRun run(folder.path());
  ASSERT_EQ(run.begin(), "");
  EXPECT_TRUE(run.recovered().rooms.empty());
  EXPECT_TRUE(run.recovered().epochs_go_on);
  EXPECT_EQ(folder.segments(), std::vector<std::string>{"00000001.log"});
}

TEST(LogStore, BatchesOfOneTurn_AreOneWriteAndAnsweredInOrder) {
  LogFolder folder;
  LogRun run(folder.path());
  ASSERT_EQ(run.begin(), "");
  run.publish("a", "1");
  run.post(0);
  run.publish("b", "2");
  run.post(1);
  run.publish("a", "3");
  run.post(0);
  EXPECT_TRUE(run.answers().empty());
  run.store().write_turn(0);
  const std::vector<Answered> expected = {{0, 1, true, 0}, {1, 2, true, 0}, {0, 3, true, 0}};
  EXPECT_EQ(run.answers(), expected);
  EXPECT_EQ(run.store().figures().groups_total, 1U);
  // Two declarations and three messages.
  EXPECT_EQ(run.store().figures().records_total, 5U);
}

class LogStoreModes : public ::testing::TestWithParam<HistorySync> {};

TEST_P(LogStoreModes, CleanEnd_NextRunContinuesEpochs) {
  LogFolder folder;
  Position last;
  {
    LogRun run(folder.path(), GetParam());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "room", 3);
    last = run.room("room").last;
    run.stop();
    EXPECT_EQ(run.answers().size(), 3U);
  }
  EXPECT_TRUE(ends_cleanly(folder));
  LogRun next(folder.path(), GetParam());
  ASSERT_EQ(next.begin(), "");
  EXPECT_TRUE(next.recovered().epochs_go_on);
  EXPECT_TRUE(next.recovered().damage.empty());
  EXPECT_EQ(next.recovered_last("room"), last);
  EXPECT_EQ(next.recovered_text("room"), "1=message 0 2=message 1 3=message 2");
}

TEST_P(LogStoreModes, KilledProcess_NextRunOfTheSameBootContinuesEpochs) {
  LogFolder folder;
  {
    LogRun run(folder.path(), GetParam());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "room", 3);
    run.kill();
  }
  EXPECT_FALSE(ends_cleanly(folder));
  LogRun next(folder.path(), GetParam());
  ASSERT_EQ(next.begin(), "");
  EXPECT_TRUE(next.recovered().epochs_go_on);
  EXPECT_EQ(next.recovered_text("room"), "1=message 0 2=message 1 3=message 2");
}

TEST_P(LogStoreModes, Threads_AnswerAllThatWasPostedBeforeStop) {
  LogFolder folder;
  {
    LogRun run(folder.path(), GetParam());
    ASSERT_EQ(run.begin(), "");
    ASSERT_EQ(run.store().start(), "");
    for (int i = 0; i < 500; ++i) {
      run.publish("room", std::to_string(i), 10);
      run.post();
    }
    run.stop();
    ASSERT_EQ(run.answers().size(), 500U);
    for (std::size_t i = 0; i < 500; ++i) {
      EXPECT_TRUE(run.answers()[i].kept);
      EXPECT_EQ(run.answers()[i].last, i + 1);
    }
  }
  LogRun next(folder.path(), GetParam());
  ASSERT_EQ(next.begin(), "");
  EXPECT_EQ(next.recovered_text("room"),
            "491=490 492=491 493=492 494=493 495=494 496=495 497=496 498=497 499=498 500=499");
}

INSTANTIATE_TEST_SUITE_P(Modes, LogStoreModes,
                         ::testing::Values(HistorySync::kOff, HistorySync::kInterval,
                                           HistorySync::kEach),
                         [](const auto& mode) {
                           switch (mode.param) {
                             case HistorySync::kOff:
                               return "Off";
                             case HistorySync::kInterval:
                               return "Interval";
                             case HistorySync::kEach:
                               return "Each";
                           }
                           return "";
                         });

TEST(LogStore, ModeEach_SyncsEachGroupBeforeItsAnswer) {
  LogFolder folder;
  LogRun run(folder.path(), HistorySync::kEach);
  ASSERT_EQ(run.begin(), "");
  const std::uint64_t before = run.store().figures().sync.count();
  publish_many(run, "room", 3);
  EXPECT_EQ(run.store().figures().sync.count(), before + 3);
}

TEST(LogStore, ModeInterval_SyncsOnTheSyncThreadOnly) {
  LogFolder folder;
  LogRun run(folder.path(), HistorySync::kInterval);
  ASSERT_EQ(run.begin(), "");
  const std::uint64_t before = run.store().figures().sync.count();
  publish_many(run, "room", 3);
  EXPECT_EQ(run.store().figures().sync.count(), before);
  run.store().sync_turn(-1);
  EXPECT_EQ(run.store().figures().sync.count(), before + 1);
}

TEST(LogStore, ModeOff_NeverSyncsMessages) {
  LogFolder folder;
  LogRun run(folder.path(), HistorySync::kOff, kSmallSegment);
  ASSERT_EQ(run.begin(), "");
  const std::uint64_t before = run.store().figures().sync.count();
  publish_many(run, "room", 200);
  run.store().sync_turn(0);
  EXPECT_GT(folder.segments().size(), 1U);
  EXPECT_EQ(run.store().figures().sync.count(), before);
}

TEST(LogStore, FirstRecordOfAGroup_TellsWhetherAllBeforeItWasOnDisk) {
  for (const HistorySync mode : {HistorySync::kEach, HistorySync::kOff}) {
    LogFolder folder;
    LogRun run(folder.path(), mode);
    ASSERT_EQ(run.begin(), "");
    run.publish("room", "1");
    run.publish("room", "2");
    run.write();
    run.publish("room", "3");
    run.publish("room", "4");
    run.write();
    // The declaration of the room, and four messages.
    EXPECT_EQ(sync_marks(folder), mode == HistorySync::kEach ? "10010" : "10000");
  }
}

TEST(LogStore, FirstRecordAfterTheSyncThreadWasThere_TellsThatAllBeforeItWasOnDisk) {
  LogFolder folder;
  LogRun run(folder.path(), HistorySync::kInterval);
  ASSERT_EQ(run.begin(), "");
  run.publish_and_write("room", "1");
  run.publish_and_write("room", "2");
  run.store().sync_turn(-1);
  run.publish_and_write("room", "3");
  EXPECT_EQ(sync_marks(folder), "1001");
}

TEST(LogStore, FullSegment_NextOneIsBegunAndBothAreRecovered) {
  LogFolder folder;
  {
    LogRun run(folder.path(), HistorySync::kInterval, kSmallSegment);
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "room", 150);
    run.kill();
  }
  ASSERT_GE(folder.segments().size(), 3U);
  for (const std::string& name : folder.segments()) {
    EXPECT_LE(std::filesystem::file_size(folder.file(name)), kSmallSegment) << name;
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_TRUE(next.recovered().damage.empty());
  ASSERT_EQ(next.recovered().rooms.size(), 1U);
  EXPECT_EQ(next.recovered().rooms[0].messages.size(), 150U);
  EXPECT_TRUE(next.recovered_text("room").starts_with("1=message 0 2=message 1 "));
}

TEST(LogStore, RecordLargerThanASegment_IsKept) {
  LogFolder folder;
  const std::string large(3 * kSmallSegment, 'x');
  {
    LogRun run(folder.path(), HistorySync::kOff, kSmallSegment);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("room", "before");
    run.publish_and_write("room", large);
    run.publish_and_write("room", "after");
    run.kill();
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_EQ(next.recovered_text("room"), "1=before 2=" + large + " 3=after");
}

TEST(LogStore, BatchLargerThanTheBuffer_IsKeptAsAWhole) {
  LogFolder folder;
  const std::string text(std::size_t{300} << 10, 'y');
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    for (int i = 0; i < 8; ++i) run.publish("room", text);
    run.write();
    EXPECT_EQ(run.answers(), (std::vector<Answered>{{0, 8, true, 0}}));
    EXPECT_GT(run.store().figures().groups_total, 1U);
    run.kill();
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_EQ(next.recovered().rooms[0].messages.size(), 8U);
}

TEST(LogStore, SecondProcess_IsRejectedWithTheDirectory) {
  LogFolder folder;
  LogRun run(folder.path());
  ASSERT_EQ(run.begin(), "");
  LogRun second(folder.path());
  const std::string error = second.begin();
  EXPECT_NE(error.find("another wsd uses the history directory '" + folder.path()),
            std::string::npos)
      << error;
}

TEST(LogStore, NewerFormat_IsRejected) {
  LogFolder folder;
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
  }
  // A header whose checksum is right for version 2 comes from a newer encoder; here the version is
  // changed, and the checksum is computed again.
  std::string bytes = read_file(folder.file("00000001.log"));
  bytes[8] = 2;
  const auto length = static_cast<std::uint8_t>(bytes[12]);
  const Bytes all = as_bytes(bytes);
  const std::uint32_t crc = crc32c(all.subspan(24, length - 24U), crc32c(all.first(16)));
  for (std::size_t i = 0; i < 4; ++i) bytes[16 + i] = static_cast<char>(crc >> (8 * i));
  std::ofstream(folder.file("00000001.log"), std::ios::binary) << bytes;
  LogRun next(folder.path());
  const std::string error = next.begin();
  EXPECT_NE(error.find("version 2"), std::string::npos) << error;
}

TEST(LogStore, TornTail_IsCutWithoutDamage) {
  LogFolder folder;
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "room", 3);
    run.kill();
  }
  const std::string file = folder.file("00000001.log");
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 5);
  const std::string torn = read_file(file);
  {
    LogRun next(folder.path());
    ASSERT_EQ(next.begin(), "");
    EXPECT_TRUE(next.recovered().epochs_go_on);
    EXPECT_TRUE(next.recovered().damage.empty());
    EXPECT_EQ(next.recovered_text("room"), "1=message 0 2=message 1");
    next.publish_and_write("room", "again");
    next.kill();
  }
  EXPECT_EQ(read_file(file), torn) << "a run never changes an older run's file";
  LogRun third(folder.path());
  ASSERT_EQ(third.begin(), "");
  EXPECT_TRUE(third.recovered().damage.empty());
  EXPECT_EQ(third.recovered_text("room"), "1=message 0 2=message 1 3=again");
}

TEST(LogStore, CopyOfTheDirectory_GetsNewEpochsAndKeepsTheHistory) {
  LogFolder folder;
  const std::string copy = folder.root() + "/copy";
  std::uint64_t epoch = 0;
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "room", 3);
    epoch = run.room("room").last.epoch;
    std::filesystem::copy(folder.path(), copy);
    run.publish_and_write("room", "after the copy");
  }
  {
    LogRun next(copy);
    ASSERT_EQ(next.begin(), "");
    EXPECT_FALSE(next.recovered().epochs_go_on);
    EXPECT_TRUE(next.recovered().damage.empty());
    EXPECT_EQ(next.recovered_text("room"), "1=message 0 2=message 1 3=message 2");
    EXPECT_GT(next.room("room").last.epoch, epoch);
    next.publish_and_write("room", "in the copy");
    next.kill();
  }
  LogRun third(copy);
  ASSERT_EQ(third.begin(), "");
  EXPECT_TRUE(third.recovered().epochs_go_on);
  EXPECT_EQ(third.recovered_text("room"), "1=message 0 2=message 1 3=message 2 4=in the copy");
  EXPECT_GT(third.recovered_last("room").epoch, epoch);
}

TEST(LogStore, RestoredBackup_GetsNewEpochsEvenIfTheInodeIsReused) {
  LogFolder folder;
  const std::string backup = folder.root() + "/backup";
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "room", 2);
    std::filesystem::copy(folder.path(), backup);
    run.publish_and_write("room", "lost by the restore");
    run.kill();
  }
  for (const std::string& name : folder.segments()) std::filesystem::remove(folder.file(name));
  for (const auto& entry : std::filesystem::directory_iterator(backup)) {
    std::filesystem::copy(entry.path(), folder.path() + "/" + entry.path().filename().string(),
                          std::filesystem::copy_options::overwrite_existing);
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_FALSE(next.recovered().epochs_go_on);
  EXPECT_EQ(next.recovered_text("room"), "1=message 0 2=message 1");
}

TEST(LogStore, NewEpochsOnRequest_DeclareAllRooms) {
  LogFolder folder;
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "a", 2);
    publish_many(run, "b", 1);
    run.stop();
  }
  Position a;
  {
    LogRun next(folder.path());
    ASSERT_EQ(next.begin(true), "");
    EXPECT_FALSE(next.recovered().epochs_go_on);
    a = next.room("a").last;
    next.kill();
  }
  LogRun third(folder.path());
  ASSERT_EQ(third.begin(), "");
  EXPECT_TRUE(third.recovered().epochs_go_on);
  EXPECT_EQ(third.recovered_last("a"), a);
  EXPECT_EQ(third.recovered_text("a"), "1=message 0 2=message 1");
  EXPECT_EQ(third.recovered_text("b"), "1=message 0");
}

TEST(LogStore, BatchOfAnotherTerm_IsNotKept) {
  LogFolder folder;
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "room", 1);
    run.set_term(2);
    run.publish_and_write("room", "of a dead epoch");
    EXPECT_EQ(run.answers().back(), (Answered{0, 2, false, 0}));
    run.kill();
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_EQ(next.recovered_text("room"), "1=message 0");
}

TEST(LogStore, RemovedMessages_StayRemoved) {
  LogFolder folder;
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "one", 3);
    publish_many(run, "all", 3);
    run.remove("one", 2);
    run.remove("all", 2, true);
    run.write();
    EXPECT_TRUE(run.answers().back().kept);
    run.kill();
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_EQ(next.recovered_text("one"), "1=message 0 2=(removed) 3=message 2");
  EXPECT_EQ(next.recovered_text("all"), "1=(removed) 2=(removed) 3=message 2");
}

TEST(LogStore, RoomThatEndsAndBeginsAgain_HasNothingOfItsEarlierEpoch) {
  LogFolder folder;
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    publish_many(run, "room", 3);
    run.end_room("room");
    run.write();
    run.publish_and_write("room", "new");
    run.kill();
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_EQ(next.recovered_text("room"), "1=new");
}

}  // namespace
}  // namespace wsd::server
