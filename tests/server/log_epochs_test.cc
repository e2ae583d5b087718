#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "server/log_store_rig.h"
#include "wsd/history_log.h"

namespace wsd::server {
namespace {

TEST(LogEpochs, BeginNewEpochs_GivesEachRoomAHigherEpochAndKeepsItsMessages) {
  LogFolder folder;
  Position before;
  {
    LogRun run(folder.path());
    ASSERT_EQ(run.begin(), "");
    run.publish_and_write("a", "one");
    run.publish_and_write("a", "two");
    run.publish_and_write("b", "three");
    run.remove("a", 1);
    run.write();
    before = run.room("a").last;
    run.stop();
  }
  EXPECT_EQ(begin_new_epochs(folder.path()), "");
  LogRun next(folder.path());
  ASSERT_EQ(next.begin(), "");
  EXPECT_TRUE(next.recovered().epochs_go_on);
  EXPECT_TRUE(next.recovered().damage.empty());
  EXPECT_GT(next.recovered_last("a").epoch, before.epoch);
  EXPECT_EQ(next.recovered_last("a").seq, before.seq);
  EXPECT_EQ(next.recovered_text("a"), "1=(removed) 2=two");
  EXPECT_EQ(next.recovered_text("b"), "1=three");
}

TEST(LogEpochs, DirectoryInUse_IsRejected) {
  LogFolder folder;
  LogRun run(folder.path());
  ASSERT_EQ(run.begin(), "");
  EXPECT_NE(begin_new_epochs(folder.path()).find("another wsd uses"), std::string::npos);
}

TEST(LogEpochs, MissingOrEmptyDirectory_IsRejectedAndNotCreated) {
  LogFolder folder;
  EXPECT_NE(begin_new_epochs(folder.path()).find("is not a directory"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.path()));
  EXPECT_NE(begin_new_epochs(folder.root()).find("has no history log"), std::string::npos);
}

}  // namespace
}  // namespace wsd::server
