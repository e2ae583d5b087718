// Failures of the disk: what the store answers, what it keeps, and how it goes on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "server/log_store.h"
#include "server/log_store_rig.h"

namespace wsd::server {
namespace {

using Answered = LogRun::Answered;

// Limits the size of files, so that writes beyond it fail with EFBIG, after a short write.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

// Puts /dev/null in the place of an open segment: writes succeed, and syncs fail with EINVAL.
void break_syncs(const std::string& segment) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ASSERT_GE(null, 0);
  int replaced = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone) != segment) continue;
    ASSERT_GE(::dup2(null, std::stoi(entry.path().filename())), 0);
    ++replaced;
  }
  EXPECT_EQ(replaced, 1);
  ::close(null);
}

std::uint64_t size_of(const LogFolder& folder, const std::string& name) {
  return std::filesystem::file_size(folder.file(name));
}

TEST(LogStoreFailure, FullDisk_GroupIsNotKeptAndLaterBatchesNeither) {
  LogFolder folder;
  {
    LogRun run(folder.path(), HistorySync::kEach);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("room", "kept");
    const std::uint64_t good = size_of(folder, "00000001.log");
    const FileSizeLimit limit(good + 200);
    run.publish("room", "short");  // fits into the limit as a whole
    run.post();
    run.publish("room", std::string(500, 'x'));
    run.post();
    run.store().write_turn(0);
    const std::vector<Answered> expected = {{0, 1, true, 0}, {0, 2, false, 1}, {0, 3, false, 1}};
    EXPECT_EQ(run.answers(), expected);
    run.set_term(1);
    run.publish_and_write("room", "while failed");
    EXPECT_EQ(run.answers().back(), (Answered{0, 4, false, 1}));
    EXPECT_EQ(size_of(folder, "00000001.log"), good) << "what was not kept is cut";
    EXPECT_EQ(run.count("log_failed"), 1U);
    const HistoryLogFigures figures = run.store().figures();
    EXPECT_TRUE(figures.failed);
    EXPECT_NE(figures.failed_since_ms, 0U);
    EXPECT_EQ(figures.failures_total, 1U);
    EXPECT_EQ(figures.error, "cannot write the history log in '" + folder.path() +
                                 "': File too large (free some space; then the log goes on by "
                                 "itself)");
    run.kill();
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_FALSE(next.recovered().epochs_go_on) << "members saw more than the log has";
  EXPECT_TRUE(next.recovered().damage.empty());
  EXPECT_EQ(next.recovered_text("room"), "1=kept");
}

TEST(LogStoreFailure, SpaceComesBack_LogResumesWithANewTerm) {
  LogFolder folder;
  {
    LogRun run(folder.path(), HistorySync::kEach);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("room", "kept");
    {
      const FileSizeLimit limit(size_of(folder, "00000001.log"));
      run.publish_and_write("room", "lost");
      EXPECT_FALSE(run.answers().back().kept);
    }
    run.store().write_turn(-1);  // waits until the store tries again
    EXPECT_EQ(run.count("log_resumed"), 1U);
    EXPECT_EQ(run.resumed(), (std::vector<hub::EngineTerm>{2}));
    EXPECT_FALSE(run.store().figures().failed);
    run.set_term(1);
    run.publish_and_write("room", "of the term of the failure");
    EXPECT_EQ(run.answers().back(), (Answered{0, 3, false, 2}));
    run.set_term(2);
    run.room("room").last.seq = 1;
    run.renew_epochs();
    run.publish_and_write("room", "kept again");
    EXPECT_EQ(run.answers().back(), (Answered{0, 4, true, 2}));
    run.kill();
  }
  EXPECT_EQ(folder.segments(), (std::vector<std::string>{"00000001.log", "00000002.log"}));
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_TRUE(next.recovered().epochs_go_on);
  EXPECT_TRUE(next.recovered().damage.empty());
  EXPECT_EQ(next.recovered_text("room"), "1=kept 2=kept again");
}

TEST(LogStoreFailure, NoSpaceForANewSegment_LogStaysFailedAndLeavesNoFile) {
  LogFolder folder;
  LogRun run(folder.path(), HistorySync::kOff);
  ASSERT_EQ(run.begin(), "");
  // There is space for the header of the next segment, but not for what a log needs.
  const FileSizeLimit limit(size_of(folder, "00000001.log") + 100);
  run.publish_and_write("room", std::string(500, 'x'));
  run.store().write_turn(-1);
  EXPECT_EQ(run.count("log_resumed"), 0U);
  EXPECT_EQ(run.count("log_failed"), 1U);
  EXPECT_TRUE(run.store().figures().failed);
  EXPECT_EQ(folder.segments(), (std::vector<std::string>{"00000001.log"}));
}

TEST(LogStoreFailure, FullDiskAtTheStart_IsAnErrorWithTheRemedy) {
  LogFolder folder;
  LogRun run(folder.path());
  const FileSizeLimit limit(10);
  const std::string error = run.begin();
  EXPECT_NE(error.find("cannot begin a segment of the history log"), std::string::npos) << error;
}

TEST(LogStoreFailure, SyncFailsInModeEach_GroupIsNotKept) {
  LogFolder folder;
  LogRun run(folder.path(), HistorySync::kEach);
  ASSERT_EQ(run.begin(), "");
  run.publish_and_write("room", "kept");
  break_syncs(folder.file("00000001.log"));
  run.publish_and_write("room", "written, but not synced");
  const std::vector<Answered> expected = {{0, 1, true, 0}, {0, 2, false, 1}};
  EXPECT_EQ(run.answers(), expected);
  EXPECT_EQ(run.count("log_failed"), 1U);
}

TEST(LogStoreFailure, SyncFailsInModeInterval_LogFailsWithTheNextTurn) {
  LogFolder folder;
  LogRun run(folder.path(), HistorySync::kInterval);
  ASSERT_EQ(run.begin(), "");
  run.publish_and_write("room", "kept");
  break_syncs(folder.file("00000001.log"));
  run.store().sync_turn(-1);
  EXPECT_EQ(run.count("log_failed"), 0U);
  run.store().write_turn(0);
  EXPECT_EQ(run.count("log_failed"), 1U);
  run.publish_and_write("room", "after the failure");
  EXPECT_EQ(run.answers().back(), (Answered{0, 2, false, 1}));
}

TEST(LogStoreFailure, DiskFullWhileASegmentIsBegun_LogFails) {
  LogFolder folder;
  constexpr std::uint64_t kSegment = 4096;
  {
    LogRun run(folder.path(), HistorySync::kOff, kSegment);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("room", "kept");
    {
      // The next segment cannot even have its header.
      const FileSizeLimit limit(50);
      run.publish_and_write("room", std::string(kSegment, 'x'));
    }
    EXPECT_EQ(run.answers().back(), (Answered{0, 2, false, 1}));
    EXPECT_EQ(folder.segments(), (std::vector<std::string>{"00000001.log"}));
    run.kill();
  }
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_FALSE(next.recovered().epochs_go_on);
  EXPECT_EQ(next.recovered_text("room"), "1=kept");
}

TEST(LogStoreFailure, BatchOverTwoSegmentsFails_NeitherSegmentKeepsItsPart) {
  LogFolder folder;
  constexpr std::uint64_t kSegment = 4096;
  {
    LogRun run(folder.path(), HistorySync::kOff, kSegment);
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("room", "kept");
    const FileSizeLimit limit(kSegment);
    for (int i = 0; i < 60; ++i) run.publish("room", "part of the batch");
    run.publish("room", std::string(kSegment, 'x'));
    run.write();
    EXPECT_EQ(run.answers().back(), (Answered{0, 62, false, 1}));
    run.kill();
  }
  ASSERT_GE(folder.segments().size(), 2U);
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_FALSE(next.recovered().epochs_go_on);
  EXPECT_EQ(next.recovered_text("room"), "1=kept");
}

TEST(LogStoreFailure, MessageOfAnUnknownRoom_IsNotKept) {
  LogFolder folder;
  LogRun run(folder.path());
  ASSERT_EQ(run.begin(), "");
  run.room("room").known = true;
  run.room("room").number = 7;
  run.publish_and_write("room", "without a declaration");
  EXPECT_EQ(run.answers().back(), (Answered{0, 1, false, 1}));
}

}  // namespace
}  // namespace wsd::server
