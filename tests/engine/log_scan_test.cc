#include "engine/log_scan.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/log_rig.h"
#include "engine/log_segment.h"

namespace wsd::engine {
namespace {

LogFile segment() {
  LogSegmentHeader header;
  header.number = 4;
  return LogFile(header);
}

LogScan scan_of(const LogFile& file) {
  return scan_log_segment(file.seed(), file.contents(), kLogHeaderFields);
}

// The numbers of the messages that visit_log_records() gives, such as "1 2".
std::string visited(const LogScan& scan, const LogFile& file) {
  std::string text;
  visit_log_records(scan, file.contents(), [&](const LogRecord& record) {
    if (record.type == LogRecordType::kMessage) text += std::to_string(record.seq) + " ";
  });
  return text;
}

TEST(LogScan, WholeSegment_IsOneRange) {
  LogFile file = segment();
  file.room(0, "a", 5).room(1, "b", 6).message(0, 1, "x").room(2, "c", 7).dropped(3).dropped(2);
  file.end();
  const LogScan scan = scan_of(file);
  ASSERT_EQ(scan.ranges.size(), 1U);
  EXPECT_EQ(scan.ranges[0].begin, kLogHeaderFields);
  EXPECT_EQ(scan.ranges[0].end, file.size());
  EXPECT_EQ(scan.records, 7U);
  EXPECT_EQ(scan.leading_rooms, 2U);
  ASSERT_EQ(scan.declarations.size(), 3U);
  EXPECT_EQ(as_text(scan.declarations[2].bytes), "c");
  EXPECT_EQ(scan.dropped, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(scan.good_length, file.size());
  EXPECT_EQ(scan.end, file.size());
  EXPECT_TRUE(scan.ended_cleanly);
  EXPECT_FALSE(scan.has_bad_bytes);
}

TEST(LogScan, EmptySegment_EndsAtItsHeader) {
  const LogScan scan = scan_of(segment());
  EXPECT_TRUE(scan.ranges.empty());
  EXPECT_EQ(scan.end, kLogHeaderFields);
  EXPECT_EQ(scan.good_length, kLogHeaderFields);
}

TEST(LogScan, BadBytes_AreBetweenTwoRanges) {
  LogFile file = segment();
  file.room(0, "a", 5).message(0, 1, "x");
  const std::size_t bad = file.size();
  file.message(0, 2, "y").message(0, 3, "z").flip((bad + 3) * 8);
  const LogScan scan = scan_of(file);
  ASSERT_EQ(scan.ranges.size(), 2U);
  EXPECT_EQ(scan.ranges[0].end, bad);
  EXPECT_EQ(scan.ranges[1].begin, bad + log_message_size(1));
  EXPECT_EQ(scan.good_length, bad);
  EXPECT_EQ(scan.end, file.size());
  EXPECT_TRUE(scan.damaged);
  EXPECT_EQ(visited(scan, file), "1 3 ");
}

TEST(LogScan, RoomsAfterBadBytes_DoNotLead) {
  LogFile file = segment();
  file.room(0, "a", 5).room(1, "b", 5).room(2, "c", 5).flip((kLogHeaderFields + 48) * 8);
  EXPECT_EQ(scan_of(file).leading_rooms, 1U);
  EXPECT_EQ(scan_of(file).declarations.size(), 2U);
}

TEST(LogScan, TornEnd_IsNotVisited) {
  LogFile file = segment();
  file.room(0, "a", 5).message(0, 1, "x");
  const std::size_t good = file.size();
  file.message(0, 2, "y").cut(good + 30);
  const LogScan scan = scan_of(file);
  EXPECT_EQ(scan.end, good);
  EXPECT_TRUE(scan.has_bad_bytes);
  EXPECT_FALSE(scan.damaged);
  EXPECT_EQ(visited(scan, file), "1 ");
}

}  // namespace
}  // namespace wsd::engine
