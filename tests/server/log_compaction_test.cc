#include "server/log_compaction.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/log_store.h"
#include "server/log_store_rig.h"

namespace wsd::server {
namespace {

constexpr std::uint64_t kSmallSegment = 4096;

// Publishes to one room in batches of one, each in a group of its own.
void publish_many(LogRun& run, const std::string& room, int count, std::uint64_t keeps = 1000) {
  for (int i = 0; i < count; ++i) {
    run.publish_and_write(room, "message " + std::to_string(i), keeps);
  }
}

// Lets the store do all that it can do without new batches.
void settle(LogRun& run) {
  for (int i = 0; i < 200; ++i) {
    run.store().write_turn(0);
    run.store().sync_turn(0);
  }
}

// Changes one byte of the file.
void damage(const std::string& file, std::size_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(byte ^ 1));
}

TEST(LogCompaction, DamagedSegment_GoesWithoutItsDamagedPart) {
  for (const std::size_t at : {std::size_t{30}, std::size_t{250}}) {  // the header, a record
    SCOPED_TRACE(at);
    LogFolder folder;
    LogRun run(folder.path(), HistorySync::kOff, kSmallSegment);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("early", "is damaged");
    for (int i = 0; i < 9; ++i) run.publish_and_write("quiet", "message " + std::to_string(i));
    damage(folder.file("00000001.log"), at);
    publish_many(run, "busy", 1000, 5);
    settle(run);
    EXPECT_EQ(run.count("log_damaged"), 1U);
    EXPECT_FALSE(std::filesystem::exists(folder.file("00000001.log")));
    const HistoryLogFigures figures = run.store().figures();
    EXPECT_LE(figures.bytes, 2 * figures.live_bytes + 2 * kSmallSegment);
    if (at < 88) continue;
    run.kill();
    LogRun next(folder.path());
    ASSERT_EQ(next.begin(), "");
    EXPECT_NE(next.recovered_text("quiet").find("9=message 8"), std::string::npos);
  }
}

TEST(LogCompaction, Turns_KeepLiveRecordsAndFreeTheRest) {
  LogFolder folder;
  {
    LogRun run(folder.path(), HistorySync::kOff, kSmallSegment);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("quiet", "the first");
    run.publish_and_write("quiet", "secret");
    run.publish_and_write("ended", "nobody needs this");
    run.remove("quiet", 2);
    run.end_room("ended");
    run.write();
    publish_many(run, "busy", 1000, 5);
    settle(run);
    const HistoryLogFigures figures = run.store().figures();
    EXPECT_LE(figures.bytes, 2 * figures.live_bytes + 2 * kSmallSegment);
    EXPECT_EQ(run.count("log_damaged"), 0U);
    run.kill();
  }
  std::uint64_t bytes = 0;
  for (const std::string& name : folder.segments()) {
    const std::string content = read_file(folder.file(name));
    bytes += content.size();
    EXPECT_EQ(content.find("secret"), std::string::npos) << name;
    EXPECT_EQ(content.find("nobody needs this"), std::string::npos) << name;
  }
  EXPECT_LE(bytes, 4 * kSmallSegment);
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_TRUE(next.recovered().damage.empty());
  EXPECT_TRUE(next.recovered().epochs_go_on);
  EXPECT_EQ(next.recovered_text("quiet"), "1=the first 2=(removed)");
  EXPECT_EQ(next.recovered_text("busy"),
            "996=message 995 997=message 996 998=message 997 999=message 998 1000=message 999");
  EXPECT_EQ(next.recovered_text("ended"), "no room");
}

TEST(LogCompaction, Turns_UnlinkNothingBeforeTheCopiesAreOnDisk) {
  for (const HistorySync mode : {HistorySync::kOff, HistorySync::kInterval}) {
    LogFolder folder;
    LogRun run(folder.path(), mode, kSmallSegment);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("quiet", "the first");
    while (!std::filesystem::exists(folder.file("00000004.log"))) publish_many(run, "busy", 1, 5);
    for (int i = 0; i < 20; ++i) run.store().write_turn(0);
    EXPECT_EQ(folder.segments().front(), "00000001.log");
    settle(run);
    EXPECT_NE(folder.segments().front(), "00000001.log");
  }
}

TEST(LogCompaction, AfterARestart_RestoredRoomsAreKept) {
  LogFolder folder;
  {
    LogRun run(folder.path(), HistorySync::kInterval, kSmallSegment);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("quiet", "the first");
    run.publish_and_write("quiet", "the second");
    run.publish_and_write("quiet", "void");
    // As after a failure: the third message was not kept, and the epoch is new.
    run.room("quiet").last.seq = 2;
    run.renew_epochs();
    run.publish_and_write("quiet", "the third");
    run.remove("quiet", 1);
    run.write();
    run.kill();
  }
  {
    LogRun next(folder.path(), HistorySync::kInterval, kSmallSegment);
    ASSERT_EQ(next.begin(), "");
    EXPECT_EQ(next.recovered_text("quiet"), "1=(removed) 2=the second 3=the third");
    publish_many(next, "busy", 600, 5);
    settle(next);
    EXPECT_EQ(folder.segments().front() == "00000001.log", false);
    next.kill();
  }
  LogRun third(folder.path());
  ASSERT_EQ(third.begin(), "");
  EXPECT_TRUE(third.recovered().damage.empty());
  EXPECT_EQ(third.recovered_text("quiet"), "1=(removed) 2=the second 3=the third");
}

// Publishes to another room until the log has begun the segment, or has freed it.
void publish_until(LogRun& run, const LogFolder& folder, const std::string& segment, bool exists) {
  while (std::filesystem::exists(folder.file(segment)) != exists) {
    run.publish_and_write("busy", "busy", 5);
    run.store().sync_turn(0);
  }
}

// Leaves a log in which the messages 1 to 3 of "quiet" lie behind 4, which is in segment 2, and 5
// and 6, which are in segment 3. All records say that the room keeps its messages from 1 on.
void leave_copies_behind(LogRun& run, const LogFolder& folder) {
  ASSERT_EQ(run.begin(), "");
  publish_many(run, "quiet", 3);
  publish_until(run, folder, "00000002.log", true);
  publish_many(run, "quiet", 1);
  publish_until(run, folder, "00000003.log", true);
  publish_many(run, "quiet", 2);
  publish_until(run, folder, "00000001.log", false);
  ASSERT_TRUE(std::filesystem::exists(folder.file("00000002.log")));
}

TEST(LogCompaction, AfterTheLimitsWereLowered_LeavesNoHole) {
  LogFolder folder;
  {
    LogRun run(folder.path(), HistorySync::kOff, kSmallSegment);
    leave_copies_behind(run, folder);
    run.kill();
  }
  {
    LogRun next(folder.path(), HistorySync::kOff, kSmallSegment);
    next.limit("quiet", 2);
    ASSERT_EQ(next.begin(), "");
    publish_until(next, folder, "00000002.log", false);
    ASSERT_TRUE(std::filesystem::exists(folder.file("00000003.log")));
    next.kill();
  }
  LogRun third(folder.path());
  ASSERT_EQ(third.begin(), "");
  EXPECT_TRUE(third.recovered().damage.empty());
  EXPECT_TRUE(third.recovered().epochs_go_on);
  EXPECT_EQ(third.recovered_text("quiet"), "5=message 0 6=message 1");
}

TEST(LogCompaction, AfterTheRoomWasLeftOut_LeavesNoHole) {
  LogFolder folder;
  {
    LogRun run(folder.path(), HistorySync::kOff, kSmallSegment);
    leave_copies_behind(run, folder);
    run.kill();
  }
  {
    LogRun next(folder.path(), HistorySync::kOff, kSmallSegment);
    next.limit("quiet", 0);
    ASSERT_EQ(next.begin(), "");
    publish_until(next, folder, "00000002.log", false);
    ASSERT_TRUE(std::filesystem::exists(folder.file("00000003.log")));
    next.kill();
  }
  LogRun third(folder.path());
  ASSERT_EQ(third.begin(), "");
  EXPECT_TRUE(third.recovered().damage.empty());
  EXPECT_TRUE(third.recovered().epochs_go_on);
  EXPECT_EQ(third.recovered_text("quiet"), "");
}

TEST(LogCompaction, AfterTheRoomHasEnded_LeavesNoHole) {
  LogFolder folder;
  {
    LogRun run(folder.path(), HistorySync::kOff, kSmallSegment);
    leave_copies_behind(run, folder);
    run.end_room("quiet");
    run.write();
    publish_until(run, folder, "00000002.log", false);
    ASSERT_TRUE(std::filesystem::exists(folder.file("00000003.log")));
    run.kill();
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_TRUE(next.recovered().damage.empty());
  EXPECT_TRUE(next.recovered().epochs_go_on);
  EXPECT_EQ(next.recovered_text("quiet"), "");
}

TEST(LogCompaction, DroppedSegmentWithAFile_IsUnlinkedByTheNextRun) {
  LogFolder folder;
  std::string first;
  {
    LogRun run(folder.path(), HistorySync::kOff, kSmallSegment);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("ended", "old");
    first = read_file(folder.file("00000001.log"));
    run.end_room("ended");
    run.write();
    publish_many(run, "busy", 400, 5);
    settle(run);
    run.kill();
  }
  ASSERT_FALSE(std::filesystem::exists(folder.file("00000001.log")));
  std::ofstream(folder.file("00000001.log"), std::ios::binary) << first;
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_EQ(next.recovered_text("ended"), "no room");
  EXPECT_TRUE(next.recovered().damage.empty());
  EXPECT_FALSE(std::filesystem::exists(folder.file("00000001.log")));
}

}  // namespace
}  // namespace wsd::server
