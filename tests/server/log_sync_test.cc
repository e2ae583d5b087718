#include "server/log_sync.h"

#include <gtest/gtest.h>

#include <memory>

#include "server/log_directory.h"
#include "server/log_store_rig.h"

namespace wsd::server {
namespace {

constexpr std::uint32_t kHour = 3'600'000;

class LogSyncTest : public ::testing::Test {
 protected:
  LogSyncTest() {
    EXPECT_EQ(directory_.open(folder_.path(), false), "");
    file_ = create(1);
  }
  std::shared_ptr<LogSegmentFile> create(std::uint64_t number) {
    LogFile file;
    EXPECT_EQ(directory_.create_segment(number, file), 0);
    return std::make_shared<LogSegmentFile>(number, std::move(file));
  }
  static void append(LogSegmentFile& file) { ASSERT_EQ(file.append(as_bytes("12345678")), 0); }

  LogFolder folder_;
  LogDirectory directory_;
  std::shared_ptr<LogSegmentFile> file_;
  int done_ = 0;
};

TEST_F(LogSyncTest, NothingWritten_NothingIsSynced) {
  LogSync sync(kHour, [this] { ++done_; });
  EXPECT_TRUE(sync.turn(0));
  EXPECT_EQ(done_, 0);
}

TEST_F(LogSyncTest, SecondWriteWithinTheInterval_Waits) {
  LogSync sync(kHour, [this] { ++done_; });
  append(*file_);
  sync.written(file_);
  EXPECT_TRUE(sync.turn(-1));
  EXPECT_EQ(file_->synced(), 8U);
  append(*file_);
  sync.written(file_);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(sync.turn(0));
  EXPECT_EQ(file_->synced(), 8U);
  EXPECT_EQ(done_, 1);
}

TEST_F(LogSyncTest, Hurry_SyncsAtOnceAndTheNewestSegment) {
  LogSync sync(kHour, [this] { ++done_; });
  append(*file_);
  sync.written(file_);
  EXPECT_TRUE(sync.turn(-1));
  const std::shared_ptr<LogSegmentFile> second = create(2);
  append(*second);
  sync.written(second);
  sync.hurry(second);
  EXPECT_TRUE(sync.turn(-1));
  EXPECT_EQ(second->synced(), 8U);
}

TEST_F(LogSyncTest, NoInterval_OnlyHurrySyncs) {
  LogSync sync(0, [this] { ++done_; });
  append(*file_);
  sync.written(file_);
  EXPECT_TRUE(sync.turn(0));
  EXPECT_EQ(file_->synced(), 0U);
  sync.hurry(file_);
  EXPECT_TRUE(sync.turn(-1));
  EXPECT_EQ(file_->synced(), 8U);
  DurationHistogram durations;
  sync.add_to(durations);
  EXPECT_EQ(durations.count(), 1U);
}

TEST_F(LogSyncTest, Stop_EndsTheTurns) {
  LogSync sync(kHour, [this] { ++done_; });
  sync.stop();
  EXPECT_FALSE(sync.turn(-1));
}

}  // namespace
}  // namespace wsd::server
