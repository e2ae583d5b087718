#include "wsd/history_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_buffer.h"
#include "base/bytes.h"
#include "engine/log_record.h"
#include "engine/log_segment.h"
#include "server/log_directory.h"

namespace wsd {
namespace {

std::string frame(std::string_view payload, char first = '\x81') {
  return std::string(1, first) + static_cast<char>(payload.size()) + std::string(payload);
}

// A history log in a temporary directory, which is locked as by a server.
class Log {
 public:
  Log() {
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    EXPECT_EQ(directory_.emplace().open(path(), true), "");
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() { std::filesystem::remove_all(root_); }

  [[nodiscard]] std::string path() const { return root_ + "/log"; }
  [[nodiscard]] std::string file(std::uint64_t number) const {
    return path() + "/" + engine::log_segment_name(number);
  }
  void release() { directory_.reset(); }

  // Begins the next segment, which lists the others from `oldest` on.
  void segment(std::uint64_t oldest = 1) {
    if (segment_ != 0) lengths_.push_back(encoder_.offset());
    ++segment_;
    file_ = server::LogFile();
    ASSERT_EQ(directory_->create_segment(segment_, file_), 0);
    engine::LogFileFacts facts;
    ASSERT_EQ(file_.facts(facts), 0);
    engine::LogSegmentHeader header;
    header.number = segment_;
    header.run = 1;
    header.first_epoch = 1'000;
    header.boot_id = server::LogDirectory::boot_id();
    header.inode = facts.inode;
    header.birth_ns = facts.birth_ns;
    for (std::uint64_t number = oldest; number < segment_; ++number) {
      header.older.push_back({number, lengths_[number - 1]});
    }
    const auto bytes = engine::encode_log_header(header);
    ASSERT_EQ(file_.write(bytes, 0), 0);
    encoder_.begin(engine::log_segment_seed(bytes), bytes.size());
  }
  void room(std::uint32_t number, std::string_view name, std::uint64_t epoch) {
    write(encoder_.room(number, epoch, 0, 1, as_bytes(name)));
  }
  void message(std::uint32_t room, std::uint64_t seq, std::string_view bytes,
               std::uint64_t oldest = 1, std::uint64_t wall_ms = 0) {
    write(encoder_.message(room, seq, oldest, wall_ms, as_bytes(bytes)));
  }
  void removal(std::uint32_t room, std::uint64_t seq) { write(encoder_.removal(room, seq, false)); }
  void drop(std::uint64_t number) {
    write(encoder_.dropped(number));
    ASSERT_EQ(directory_->unlink_segment(number), 0);
  }

 private:
  void write(bool encoded) {
    ASSERT_TRUE(encoded);
    ASSERT_EQ(file_.write(buffer_.bytes(), encoder_.offset() - buffer_.size()), 0);
    buffer_.clear();
  }

  std::string root_ = "/tmp/wsd-history-log-XXXXXX";
  std::optional<server::LogDirectory> directory_;
  server::LogFile file_;
  ByteBuffer buffer_;
  engine::LogRecordEncoder encoder_{buffer_};
  std::uint64_t segment_ = 0;
  std::vector<std::uint64_t> lengths_;
};

void two_rooms(Log& log) {
  log.segment();
  log.room(0, "b", 7);
  log.room(1, "a", 8);
  log.message(0, 1, frame("one"), 1, 1'001);
  log.message(0, 2, frame("two", '\x82'), 1, 1'002);
  log.message(1, 1, frame("x"));
  log.segment();
  log.room(0, "b", 7);
  log.message(0, 3, frame("three"), 1, 1'003);
}

// The visited messages, such as "7:1 t one 1001".
std::vector<std::string> visited(const Log& log, std::string_view room,
                                 const std::optional<Position>& from = {}) {
  std::vector<std::string> all;
  const std::string error =
      visit_history_log(log.path(), room, from, [&](const LoggedMessage& message) {
        all.push_back(position_text(message.position) +
                      (message.type == MessageType::kText ? " t " : " b ") +
                      std::string(message.payload) + " " + std::to_string(message.time_ms));
      });
  if (!error.empty()) all.push_back(error);
  return all;
}

TEST(HistoryLog, Read_ListsRoomsByName) {
  Log log;
  two_rooms(log);
  log.release();
  const HistoryLogReport report = read_history_log(log.path());
  EXPECT_EQ(report.error, "");
  ASSERT_EQ(report.rooms.size(), 2U);
  EXPECT_EQ(report.rooms[0].name, "a");
  const LoggedRoom& room = report.rooms[1];
  EXPECT_EQ(room.name, "b");
  EXPECT_EQ(room.last, (Position{7, 3}));
  EXPECT_EQ(room.first_seq, 1U);
  EXPECT_EQ(room.messages, 3U);
  EXPECT_EQ(room.bytes, 11U);
  EXPECT_EQ(report.segments, 2U);
  EXPECT_EQ(report.bytes,
            std::filesystem::file_size(log.file(1)) + std::filesystem::file_size(log.file(2)));
  EXPECT_TRUE(report.damage.empty());
  EXPECT_TRUE(report.positions_go_on);
  EXPECT_FALSE(report.in_use);
}

TEST(HistoryLog, Visit_GivesTheMessagesInTheirOrder) {
  Log log;
  two_rooms(log);
  EXPECT_EQ(visited(log, "b"),
            (std::vector<std::string>{"7:1 t one 1001", "7:2 b two 1002", "7:3 t three 1003"}));
  EXPECT_EQ(visited(log, "b", Position{7, 2}), std::vector<std::string>{"7:3 t three 1003"});
  EXPECT_TRUE(visited(log, "b", Position{7, 3}).empty());
}

TEST(HistoryLog, Visit_RejectsAnotherEpochAndAnotherRoom) {
  Log log;
  two_rooms(log);
  EXPECT_EQ(visited(log, "b", Position{8, 2}),
            std::vector<std::string>{"the position 8:2 has another epoch than the last one of room "
                                     "'b', which is 7:3 (leave it out to get all messages)"});
  EXPECT_EQ(visited(log, "c\n"),
            std::vector<std::string>{"room 'c\\x0a' is not in the history directory '" +
                                     log.path() + "' (write the name as it was published to)"});
}

TEST(HistoryLog, RemovedMessages_AreNotVisitedAndNotCounted) {
  Log log;
  two_rooms(log);
  log.removal(0, 1);
  EXPECT_EQ(visited(log, "b"), (std::vector<std::string>{"7:2 b two 1002", "7:3 t three 1003"}));
  const LoggedRoom room = read_history_log(log.path()).rooms[1];
  EXPECT_EQ(room.first_seq, 2U);
  EXPECT_EQ(room.messages, 2U);
  EXPECT_EQ(room.bytes, 8U);
  log.removal(0, 2);
  log.removal(0, 3);
  EXPECT_EQ(read_history_log(log.path()).rooms[1].first_seq, 0U);
}

TEST(HistoryLog, LongPayloads_AreReadInAllLengthForms) {
  Log log;
  log.segment();
  log.room(0, "r", 7);
  const std::string medium(300, 'm');
  const std::string large(70'000, 'l');
  log.message(0, 1, std::string("\x81\x7e\x01\x2c", 4) + medium);
  log.message(0, 2, std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x70", 10) + large);
  EXPECT_EQ(visited(log, "r"),
            (std::vector<std::string>{"7:1 t " + medium + " 0", "7:2 b " + large + " 0"}));
}

// Valid records whose frames are no messages: a short one, a masked one, another length, a Ping.
TEST(HistoryLog, BytesThatAreNoMessage_AreNotVisited) {
  Log log;
  log.segment();
  log.room(0, "r", 7);
  log.message(0, 1, "\x81");
  log.message(0, 2, "\x81\x81....x");
  log.message(0, 3, "\x81\x05xy");
  log.message(0, 4, frame("ping", '\x89'));
  log.message(0, 5, "\x81\x7e\x01");
  log.message(0, 6, frame("good"));
  EXPECT_EQ(visited(log, "r"), std::vector<std::string>{"7:6 t good 0"});
  EXPECT_EQ(read_history_log(log.path()).rooms[0].messages, 1U);
}

TEST(HistoryLog, LockedDirectory_IsInUse) {
  Log log;
  two_rooms(log);
  EXPECT_TRUE(read_history_log(log.path()).in_use);
  log.release();
  EXPECT_FALSE(read_history_log(log.path()).in_use);
  // Reading has released its lock.
  server::LogDirectory directory;
  EXPECT_EQ(directory.open(log.path(), true), "");
}

TEST(HistoryLog, MissingDirectory_IsAnErrorAndIsNotCreated) {
  Log log;
  const std::string path = log.path() + "/missing";
  const std::string error = "cannot open the history directory '" + path +
                            "': No such file or directory (give the directory of a history log, "
                            "and run as a user that may read it)";
  EXPECT_EQ(read_history_log(path).error, error);
  EXPECT_EQ(visit_history_log(path, "r", {}, [](const LoggedMessage&) {}), error);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(HistoryLog, EmptyDirectory_HasNoRooms) {
  Log log;
  const HistoryLogReport report = read_history_log(log.path());
  EXPECT_EQ(report.error, "");
  EXPECT_TRUE(report.rooms.empty());
  EXPECT_EQ(report.segments, 0U);
  EXPECT_TRUE(report.positions_go_on);
}

TEST(HistoryLog, Copy_HasTheHistoryAndNewEpochs) {
  Log log;
  two_rooms(log);
  log.release();
  const std::string copy = log.path() + "-copy";
  std::filesystem::copy(log.path(), copy);
  const HistoryLogReport report = read_history_log(copy);
  EXPECT_EQ(report.rooms.size(), 2U);
  EXPECT_TRUE(report.damage.empty());
  EXPECT_FALSE(report.positions_go_on);
}

TEST(HistoryLog, DamagedSegment_IsReported) {
  Log log;
  two_rooms(log);
  log.release();
  std::fstream file(log.file(1), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(200);
  file.put('\x55');
  file.close();
  const HistoryLogReport report = read_history_log(log.path());
  EXPECT_FALSE(report.positions_go_on);
  ASSERT_FALSE(report.damage.empty());
  EXPECT_EQ(report.damage[0].substr(0, 37), "segment 00000001.log is damaged at by");
  std::filesystem::remove(log.file(1));
  EXPECT_EQ(read_history_log(log.path()).damage,
            std::vector<std::string>{"segment 00000001.log is missing"});
}

// A server begins segments and unlinks others while the log is read. At most one such change falls
// into one reading, so a reading that is repeated finds the log whole.
TEST(HistoryLog, SegmentsThatComeAndGo_AreNoDamage) {
  Log log;
  log.segment();
  log.room(0, "r", 7);
  log.message(0, 1, frame("m"));
  std::atomic<int> wanted{0};
  std::atomic<int> made{0};
  constexpr int kChanges = 300;
  std::thread server([&] {
    for (int change = 1; change <= kChanges; ++change) {
      while (wanted.load() < change) std::this_thread::yield();
      const auto before = static_cast<std::uint64_t>(change);
      log.segment(before);
      log.room(0, "r", 7);
      log.message(0, before, frame("m"), before);
      log.message(0, before + 1, frame("m"), before);
      log.drop(before);
      made.store(change);
    }
  });
  for (int change = 1; change <= kChanges; ++change) {
    wanted.store(change);
    const HistoryLogReport report = read_history_log(log.path());
    ASSERT_EQ(report.error, "");
    for (const std::string& damage : report.damage) ADD_FAILURE() << damage;
    ASSERT_EQ(report.rooms.size(), 1U);
    EXPECT_GE(report.rooms[0].last.seq, static_cast<std::uint64_t>(change));
    while (made.load() < change) std::this_thread::yield();
  }
  server.join();
}

}  // namespace
}  // namespace wsd
