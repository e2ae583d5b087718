// A history log that cannot be written, and one that is damaged. The file-size limit of the process
// (RLIMIT_FSIZE) stands for a full disk, because a test can set and lift it without privileges.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "support/expect.h"
#include "support/history_server.h"
#include "support/tools.h"

namespace e2e {
namespace {

// Lets the server write only the first bytes of any file, or lifts that limit. A full disk also
// lets a program overwrite existing bytes, but a new segment needs more than these.
void allow_writes(HistoryServer& server, bool allowed) {
  constexpr rlim_t kLessThanAHeader = 64;
  rlimit limit{};
  ASSERT_EQ(::prlimit(server.process().pid(), RLIMIT_FSIZE, nullptr, &limit), 0);
  limit.rlim_cur = allowed ? limit.rlim_max : kLessThanAHeader;
  ASSERT_EQ(::prlimit(server.process().pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
}

bool is_ready(const HistoryServer& server) { return server.ask("GET", "/readyz").status == 200; }

// The server notices a full disk when it writes.
void expect_failure_reported(const HistoryServer& server) {
  EXPECT_TRUE(eventually([&] { return !is_ready(server); }));
  const HttpResponse ready = server.ask("GET", "/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.body.find("not ready: history log failed for "), 0U) << ready.body;
  EXPECT_EQ(server.ask("GET", "/livez").status, 200) << "a restart would not help";
  EXPECT_EQ(server.metric("wsd_log_failed"), "1");
  EXPECT_EQ(server.metric("wsd_log_failures_total"), "1");
}

TEST(HistoryFailure, EachMode_RefusesPublishesUntilTheDiskHasSpace) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"), {"--history-sync", "each"});
  const Place first = server.publish("a", "one");
  RawClient member = server.connect();
  ASSERT_TRUE(opens_meta(member, "/rooms/a?last_event_id=" + first.text()));
  RawClient publisher = server.connect();
  ASSERT_TRUE(opens(publisher, "/rooms/a"));
  allow_writes(server, false);
  const HttpResponse refused = server.try_publish("a", "refused");
  EXPECT_EQ(refused.status, 503) << refused.describe();
  EXPECT_EQ(refused.get("Retry-After"), "1");
  EXPECT_NE(refused.body.find("history log"), std::string::npos) << refused.body;
  expect_failure_reported(server);
  publisher.send(text_frame("refused too"));
  EXPECT_TRUE(is_closed_with(publisher, 1013));
  EXPECT_TRUE(server.process().process().wait_for_line("publish_refused"));
  EXPECT_EQ(server.metric("wsd_publishes_refused_total"), "2");

  allow_writes(server, true);
  EXPECT_TRUE(eventually([&] { return is_ready(server); }));
  EXPECT_EQ(server.metric("wsd_log_failed"), "0");
  const Place next = server.publish("a", "two");
  Meta heard = read_meta(member);
  if (heard.content_type == kGap) heard = read_meta(member);
  EXPECT_EQ(heard.payload, "two") << "no member gets a message that was refused";
  EXPECT_EQ(heard.id, next.text());
  // The room has a new epoch, so a client that resumes from before gets the notice, and then all.
  const std::vector<Meta> resumed = server.replay("a", "last_event_id=" + first.text(), 3);
  EXPECT_EQ(resumed[0].content_type, kGap);
  EXPECT_EQ(resumed[1].payload, "one");
  EXPECT_EQ(resumed[2].payload, "two");
  server.kill();
  server.start();
  const std::vector<Meta> kept = server.replay("a", "last=10", 2);
  EXPECT_EQ(kept[0].payload, "one");
  EXPECT_EQ(kept[1].payload, "two");
}

TEST(HistoryFailure, OtherModes_DeliverOnAndTellTheGap) {
  for (const std::string mode : {"100ms", "off"}) {
    SCOPED_TRACE(mode);
    const TemporaryDirectory folder;
    HistoryServer server(folder.file("log"), {"--history-sync", mode});
    const Place first = server.publish("a", "one");
    const Place quiet = server.publish("quiet", "one");
    RawClient member = server.connect();
    ASSERT_TRUE(opens(member, "/rooms/a"));
    RawClient knows_gaps = server.connect();
    ASSERT_TRUE(opens_meta(knows_gaps, "/rooms/a"));
    EXPECT_EQ(read_meta(knows_gaps).content_type, kPosition);
    allow_writes(server, false);
    const Place unkept = server.publish("a", "unkept");
    static_cast<void>(server.publish("quiet", "unkept too"));
    const Meta gap = read_meta(knows_gaps);
    EXPECT_EQ(gap.content_type, kGap) << "a member that stays learns of the new epoch";
    EXPECT_EQ(gap.id, (Place{unkept.epoch, first.seq}).text());
    EXPECT_EQ(read_meta(knows_gaps).id, unkept.text());
    EXPECT_TRUE(receives_text(member, "unkept"));
    expect_failure_reported(server);
    EXPECT_NE(unkept.epoch, first.epoch) << "the epoch of kept messages names no other message";
    member.send(text_frame("of a member"));
    EXPECT_TRUE(receives_text(member, "of a member")) << "the publisher stays connected";
    const std::vector<Meta> resumed = server.replay("a", "last_event_id=" + first.text(), 1);
    EXPECT_EQ(resumed[0].content_type, kGap);

    allow_writes(server, true);
    EXPECT_TRUE(eventually([&] { return is_ready(server); }));
    const Place kept = server.publish("a", "kept");
    EXPECT_TRUE(receives_text(member, "kept"));
    EXPECT_NE(kept.epoch, unkept.epoch);
    EXPECT_NE(kept.epoch, first.epoch);
    server.kill();
    server.start();
    EXPECT_EQ(server.replay("a", "last=1", 1).front().payload, "kept");
    const std::vector<Meta> later = server.replay("a", "last_event_id=" + unkept.text(), 1);
    EXPECT_EQ(later[0].content_type, kGap) << "the message of that position is lost";
    EXPECT_EQ(server.replay("quiet", "last_event_id=" + quiet.text(), 1)[0].content_type, kGap)
        << "no message of this room came after the failure";
  }
}

TEST(HistoryFailure, KilledWhileTheDiskIsFull_NextStartTellsTheGap) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  const Place first = server.publish("a", "one");
  allow_writes(server, false);
  const Place unkept = server.publish("a", "unkept");
  server.kill();
  server.start();
  const Place next = server.publish("a", "next");
  EXPECT_NE(next.epoch, unkept.epoch);
  for (const Place& place : {first, unkept}) {
    EXPECT_EQ(server.replay("a", "last_event_id=" + place.text(), 1).front().content_type, kGap)
        << place.text();
  }
}

// A tmpfs in a mount namespace of its own, filled by a file: ENOSPC instead of EFBIG.
TEST(HistoryFailure, FullFileSystem_IsReportedAndOver) {
  const std::vector<std::string> wrapper = {
      "unshare", "--map-root-user",
      "--mount", "sh",
      "-c",      "mount -t tmpfs -o size=8m none \"$0\" && exec \"$@\""};
  const TemporaryDirectory folder;
  const std::string disk = folder.file("disk");
  std::filesystem::create_directory(disk);
  std::vector<std::string> probe = wrapper;
  probe.insert(probe.end(), {disk, "true"});
  if (run(Command{.argv = probe}).status.code != 0) {
    GTEST_SKIP() << "the kernel does not let this user mount a tmpfs in a namespace";
  }
  std::vector<std::string> server_wrapper = wrapper;
  server_wrapper.push_back(disk);
  HistoryServer server(disk + "/log", {"--history-sync", "each"}, server_wrapper);
  server.publish("a", "one");
  // The file system as the server sees it.
  const std::string filler =
      "/proc/" + std::to_string(server.process().pid()) + "/root" + disk + "/filler";
  std::ofstream(filler) << std::string(std::size_t{16} << 20, 'f');
  const std::string large(100'000, 'x');
  HttpResponse refused;
  for (int i = 0; i < 200 && refused.status != 503; ++i) refused = server.try_publish("a", large);
  EXPECT_EQ(refused.status, 503) << refused.describe();
  expect_failure_reported(server);
  EXPECT_NE(server.ask("GET", "/readyz").body.find("No space left on device"), std::string::npos);
  std::filesystem::remove(filler);
  EXPECT_TRUE(eventually([&] { return is_ready(server); }));
  EXPECT_TRUE(server.process().process().wait_for_line("log_resumed"));
  EXPECT_GT(server.publish("a", "two").epoch, 0U);
  EXPECT_EQ(server.replay("a", "last=100", 1).front().payload, "one");
}

// Returns the path of the newest segment.
std::string newest_segment(const std::string& directory) {
  std::string found;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() == ".log") found = std::max(found, file.path().string());
  }
  return found;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const std::string& path, std::streamoff at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << bytes;
  ASSERT_TRUE(file.flush());
}

TEST(HistoryFailure, DamagedRecord_IsReportedAndTheRestIsKept) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  Place last;
  for (const std::string text : {"one", "damage me", "three", "four"}) {
    last = server.publish("a", text);
  }
  server.kill();
  const std::string path = newest_segment(server.directory());
  const std::string content = content_of(path);
  const std::size_t at = content.find("damage me");
  ASSERT_NE(at, std::string::npos);
  overwrite(path, static_cast<std::streamoff>(at), "X");
  server.start();
  EXPECT_TRUE(server.process().process().wait_for_line("log_damaged"));
  const std::vector<Meta> kept = server.replay("a", "last=10", 2);
  EXPECT_EQ(kept[0].payload, "three");
  EXPECT_EQ(kept[1].payload, "four");
  EXPECT_NE(server.publish("a", "five").epoch, last.epoch);
  EXPECT_EQ(server.replay("a", "last_event_id=" + last.text(), 1).front().content_type, kGap);
}

// Returns the CRC-32C (RFC 3720, appendix B.4) of the bytes.
std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char each : bytes) {
    crc ^= static_cast<unsigned char>(each);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

std::string four_bytes(std::uint32_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xFFU);
  return bytes;
}

// The header has its version at 8, its length at 12 and its checksum at 16, which does not cover
// itself and the four bytes after it. A program must not touch a log that it cannot read.
TEST(HistoryFailure, NewerFormat_IsRefusedWithASentence) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  server.publish("a", "one");
  server.stop();
  const std::string path = newest_segment(server.directory());
  std::string content = content_of(path);
  const auto length = static_cast<unsigned char>(content[12]);  // below 256: no older segments
  content.replace(8, 4, four_bytes(2));
  const std::string covered = content.substr(0, 16) + content.substr(24, length - 24U);
  content.replace(16, 4, four_bytes(crc32c(covered)));
  overwrite(path, 0, content);
  const Output refused = run(server_command(history_flags(server.directory(), {})));
  EXPECT_EQ(refused.status.code, 1) << refused.all();
  EXPECT_NE(refused.err.find("newer"), std::string::npos) << refused.err;
  EXPECT_EQ(refused.err.find("listening on"), std::string::npos) << refused.err;
  EXPECT_EQ(content_of(path), content) << "nothing was changed";
}

}  // namespace
}  // namespace e2e
