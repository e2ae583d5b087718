// The rooms that a server gets back from its history log.
#include "server/engine_setup.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "base/bytes.h"
#include "engine/log_record.h"
#include "engine/log_segment.h"
#include "hub/fake_member.h"
#include "net/clock.h"
#include "server/log_directory.h"
#include "server/log_store_rig.h"

namespace wsd::server {
namespace {

using Texts = std::vector<std::string>;

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kEpoch = 1'000;

// Writes a log with one room, "a", whose messages were logged at these times. Their texts are their
// numbers.
void write_log(const LogFolder& folder, const std::vector<std::uint64_t>& wall_ms) {
  LogDirectory directory;
  ASSERT_EQ(directory.open(folder.path(), true), "");
  LogFile file;
  ASSERT_EQ(directory.create_segment(1, file), 0);
  engine::LogFileFacts facts;
  ASSERT_EQ(file.facts(facts), 0);
  engine::LogSegmentHeader header;
  header.number = 1;
  header.run = 1;
  header.first_epoch = kEpoch;
  header.boot_id = LogDirectory::boot_id();
  header.inode = facts.inode;
  header.birth_ns = facts.birth_ns;
  std::vector<std::uint8_t> bytes = engine::encode_log_header(header);
  ByteBuffer records;
  engine::LogRecordEncoder encoder(records);
  encoder.begin(engine::log_segment_seed(bytes), bytes.size());
  ASSERT_TRUE(encoder.room(1, kEpoch, 0, 1, as_bytes(std::string_view("a"))));
  for (std::size_t i = 0; i < wall_ms.size(); ++i) {
    const std::string text = std::to_string(i + 1);
    ASSERT_TRUE(encoder.message(1, i + 1, 1, wall_ms[i], as_bytes(text)));
  }
  bytes.insert(bytes.end(), records.bytes().begin(), records.bytes().end());
  ASSERT_EQ(file.write(bytes, 0), 0);
}

// A hub of one shard with the rooms of the log, whose histories keep an hour.
class RestoredHub {
 public:
  explicit RestoredHub(const LogFolder& folder)
      : setup_({folder.path(), HistorySync::kOff, 100, true},
               [](LogLevel, std::string_view, std::string_view) {}),
        hub_(1, options()) {
    EXPECT_EQ(setup_.open(), "");
    hub_.advance(net::tick_of(net::monotonic_ms()));
    EXPECT_EQ(setup_.attach(hub_.hub()), "");
  }
  RestoredHub(const RestoredHub&) = delete;
  RestoredHub& operator=(const RestoredHub&) = delete;
  ~RestoredHub() { setup_.stop(); }

  // Returns the texts that a joiner gets who wants all of them.
  [[nodiscard]] Texts history() {
    hub::FakeMember member;
    hub_.shard(0).add(member);
    hub_.shard(0).join(member, "a", Since::last(100));
    hub_.shard(0).remove(member);
    return member.received;
  }

 private:
  static hub::Shard::Options options() {
    hub::Shard::Options options;
    options.history = {100, std::size_t{1} << 20, ticks_for_ms(kHourMs), std::size_t{1} << 30};
    return options;
  }

  EngineSetup setup_;
  hub::ManualHub hub_;
};

TEST(EngineSetup, MessagesOlderThanTheLimit_StayAway) {
  const std::uint64_t now = net::wall_clock_ms();
  LogFolder folder;
  write_log(folder, {now - 2 * kHourMs, now - kHourMs / 2, now - 1});
  EXPECT_EQ(RestoredHub(folder).history(), (Texts{"2", "3"}));
}

TEST(EngineSetup, ClockThatWasSetBack_LosesNoMessage) {
  const std::uint64_t now = net::wall_clock_ms();
  LogFolder folder;
  write_log(folder, {now + kHourMs, now + kHourMs, now - 10'000, now - 5'000});
  EXPECT_EQ(RestoredHub(folder).history(), (Texts{"1", "2", "3", "4"}));
}

TEST(EngineSetup, MessageOfLongAgo_IsNotTakenForANewOne) {
  constexpr std::uint64_t kWrap = (std::uint64_t{1} << 32) * kTickMs;  // ShortTick::age() wraps
  const std::uint64_t now = net::wall_clock_ms();
  LogFolder folder;
  write_log(folder, {now - kWrap - 1'000, now - 1'000});
  EXPECT_EQ(RestoredHub(folder).history(), (Texts{"2"}));
}

TEST(EngineSetup, FirstEpoch_IsAboveThoseOfEarlierRuns) {
  LogFolder folder;
  EngineSetup setup({folder.path(), HistorySync::kOff, 100, true},
                    [](LogLevel, std::string_view, std::string_view) {});
  ASSERT_EQ(setup.open(), "");
  EXPECT_EQ(setup.first_epoch(77), 77U) << "the log is empty";
  LogFolder used;
  write_log(used, {net::wall_clock_ms()});
  EngineSetup next({used.path(), HistorySync::kOff, 100, true},
                   [](LogLevel, std::string_view, std::string_view) {});
  ASSERT_EQ(next.open(), "");
  EXPECT_GE(next.first_epoch(77), kEpoch + engine::kLogEpochsPerRun);
  EXPECT_NE(next.first_epoch(77), next.first_epoch(78)) << "a copy must not get the same epochs";
}

}  // namespace
}  // namespace wsd::server
