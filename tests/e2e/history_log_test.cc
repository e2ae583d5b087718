// History on disk: rooms continue after a restart, a kill and from a copy. Needs no privileges.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/history_server.h"
#include "support/tools.h"

namespace e2e {
namespace {

using Lines = std::vector<std::string>;

// Returns the bytes of all files of the directory.
std::string content_of(const std::string& directory) {
  std::string all;
  for (const auto& each : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(each.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

// A restart with SIGTERM or SIGKILL. Neither loses a message or a position, in any mode.
TEST(HistoryLog, Restart_KeepsMessagesAndPositions) {
  for (const std::string mode : {"each", "100ms", "off"}) {
    for (const bool killed : {false, true}) {
      SCOPED_TRACE(mode + (killed ? " killed" : " stopped"));
      const TemporaryDirectory folder;
      HistoryServer server(folder.file("log"), {"--history-sync", mode});
      const Place first = server.publish("a", "one");
      const Place second = server.publish("a", "two");
      const Place other = server.publish("b", "other");
      if (killed) {
        server.kill();
      } else {
        server.stop();
      }
      server.start();
      EXPECT_EQ(lines_of(server.replay("a", "last=10", 2)),
                (Lines{first.text() + " one", second.text() + " two"}));
      EXPECT_EQ(lines_of(server.replay("a", "last_event_id=" + first.text(), 1)),
                (Lines{second.text() + " two"}))
          << "a client that resumes gets the rest, and no notice of a gap";
      const Place third = server.publish("a", "three");
      EXPECT_EQ(third.epoch, first.epoch);
      EXPECT_EQ(third.seq, 3U);
      EXPECT_EQ(lines_of(server.replay("b", "last=1", 1)), (Lines{other.text() + " other"}));
      EXPECT_TRUE(server.process().process().wait_for_line("log_recovery"));
    }
  }
}

TEST(HistoryLog, MessageOfAWebSocket_IsKeptWithItsType) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  RawClient member = server.connect();
  ASSERT_TRUE(opens(member, "/rooms/a"));
  const std::string large(100'000, 'L');
  member.send(text_frame("text") + binary_frame(std::string("\xff\0", 2)) + text_frame(large));
  ASSERT_TRUE(receives_text(member, "text"));
  ASSERT_TRUE(receives(member, kBinary, std::string("\xff\0", 2)));
  ASSERT_TRUE(receives_text(member, large));
  server.kill();
  server.start();
  RawClient late = server.connect();
  ASSERT_TRUE(opens(late, "/rooms/a?last=10"));
  EXPECT_TRUE(receives_text(late, "text"));
  EXPECT_TRUE(receives(late, kBinary, std::string("\xff\0", 2)));
  EXPECT_TRUE(receives_text(late, large));
}

TEST(HistoryLog, RoomWithoutHistory_IsNotLogged) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"), {"--room-rule", "quiet history-messages=0"});
  RawClient member = server.connect();
  ASSERT_TRUE(opens(member, "/rooms/quiet"));
  member.send(text_frame("secret text of a room without history"));
  ASSERT_TRUE(receives_text(member, "secret text of a room without history"));
  server.publish("kept", "kept text");
  server.kill();
  const std::string written = content_of(server.directory());
  EXPECT_EQ(written.find("secret text"), std::string::npos);
  EXPECT_NE(written.find("kept text"), std::string::npos);
}

TEST(HistoryLog, MessagesBeyondTheLimit_StayAwayAfterARestart) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"), {"--room-rule", "a history-messages=3"});
  Place last;
  for (int i = 1; i <= 10; ++i) last = server.publish("a", std::to_string(i));
  server.kill();
  server.start();
  const std::vector<Meta> kept = server.replay("a", "last=100", 3);
  EXPECT_EQ(kept[0].payload, "8");
  EXPECT_EQ(kept[2].id, last.text());
}

TEST(HistoryLog, RemovedMessage_StaysRemovedAfterAKill) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  const Place first = server.publish("a", "one");
  const Place removed = server.publish("a", "two");
  const Place third = server.publish("a", "three");
  server.publish("b", "all of it");
  EXPECT_EQ(server.ask("DELETE", "/rooms/a/messages/" + removed.text()).status, 200);
  EXPECT_EQ(server.ask("DELETE", "/rooms/b/messages").status, 200);
  // Such a member learns the position of a removed message, so it can resume from there.
  const Lines expected = {first.text() + " one", removed.text() + " " + kPosition,
                          third.text() + " three"};
  EXPECT_EQ(lines_of(server.replay("a", "last=10", 3)), expected);
  server.kill();
  server.start();
  EXPECT_EQ(lines_of(server.replay("a", "last=10", 3)), expected);
  EXPECT_EQ(server.replay("b", "last=10", 1).front().content_type, kPosition) << "nothing is kept";
  EXPECT_EQ(server.publish("b", "next").seq, 2U);
}

TEST(HistoryLog, SecondServer_IsRefused) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  server.publish("a", "one");
  const Output second = run(server_command(history_flags(server.directory(), {})));
  EXPECT_EQ(second.status.code, 1) << second.all();
  EXPECT_NE(second.err.find(server.directory()), std::string::npos) << second.err;
  EXPECT_EQ(second.err.find("listening on"), std::string::npos) << second.err;
  EXPECT_EQ(server.publish("a", "two").seq, 2U) << "the first server is not disturbed";
}

// With root's capabilities, a mode stops nobody, so they are taken away.
TEST(HistoryLog, UnusableDirectory_EndsTheStartWithASentence) {
  const TemporaryDirectory folder;
  const std::string locked = folder.file("locked");
  std::filesystem::create_directory(locked);
  std::filesystem::permissions(
      locked, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const std::string file = folder.write("file", "");
  for (const std::string& directory : {locked, locked + "/below", file, file + "/below"}) {
    Command command = server_command(history_flags(directory, {}));
    if (::geteuid() == 0) {
      command.argv.insert(command.argv.begin(),
                          {"setpriv", "--inh-caps=-all", "--bounding-set=-all"});
    }
    const Output output = run(command);
    EXPECT_EQ(output.status.code, 1) << output.all();
    EXPECT_NE(output.err.find(directory), std::string::npos) << output.err;
    EXPECT_EQ(output.err.find("listening on"), std::string::npos) << output.err;
  }
}

// Copies the directory beside the running server. The copy has the history up to then. What the
// server did later is not in it, so clients that resume must be told.
TEST(HistoryLog, CopyBesideARunningServer_StartsWithANewEpoch) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  const Place first = server.publish("a", "one");
  const Place second = server.publish("a", "two");
  std::filesystem::copy(server.directory(), folder.file("copy"));
  const Place lost = server.publish("a", "not in the copy");
  EXPECT_EQ(lost.seq, 3U);
  HistoryServer copy(folder.file("copy"));
  const std::vector<Meta> resumed = copy.replay("a", "last_event_id=" + second.text(), 3);
  EXPECT_EQ(resumed[0].content_type, kGap);
  EXPECT_EQ(resumed[1].payload, "one");
  EXPECT_EQ(resumed[2].payload, "two");
  const Place next = copy.publish("a", "in the copy");
  EXPECT_NE(next.epoch, first.epoch) << "a position never names two messages";
}

TEST(HistoryLog, Metrics_CountRecordsAndSyncs) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"), {"--history-sync", "each"});
  for (int i = 0; i < 5; ++i) server.publish("a", "x");
  EXPECT_EQ(server.metric("wsd_log_failed"), "0");
  EXPECT_GE(std::stoi(server.metric("wsd_log_records_total")), 5);
  EXPECT_GE(std::stoi(server.metric("wsd_log_groups_total")), 5);
  EXPECT_GE(std::stoi(server.metric("wsd_log_sync_seconds_count")), 5);
  EXPECT_EQ(server.metric("wsd_log_segments"), "1");
  EXPECT_GT(std::stoi(server.metric("wsd_log_bytes")), 0);
}

TEST(HistoryLog, NewDirectory_IsForItsOwnerAlone) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  server.publish("a", "x");
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(server.directory()).permissions(), perms::owner_all);
  for (const auto& file : std::filesystem::directory_iterator(server.directory())) {
    EXPECT_EQ(file.status().permissions() & (perms::group_all | perms::others_all), perms::none)
        << file.path();
  }
}

}  // namespace
}  // namespace e2e
