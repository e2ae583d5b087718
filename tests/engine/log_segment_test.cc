#include "engine/log_segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/little_endian.h"
#include "engine/log_rig.h"

namespace wsd::engine {
namespace {

using State = DecodedLogHeader::State;

LogSegmentHeader full_header() {
  LogSegmentHeader header;
  header.number = 9;
  header.run = 4;
  header.first_epoch = 0x123456789A;
  header.boot_id = boot(7);
  header.inode = 55;
  header.birth_ns = 66;
  header.mode = HistorySync::kEach;
  header.new_epochs = true;
  header.declared = 3;
  header.older = {{2, 1'000}, {5, 88}};
  return header;
}

TEST(LogSegment, Header_IsDecodedAsItWasEncoded) {
  const auto bytes = encode_log_header(full_header());
  EXPECT_EQ(bytes.size(), kLogHeaderFields + 2 * 16);
  const DecodedLogHeader decoded = decode_log_header(bytes);
  ASSERT_EQ(decoded.state, State::kValid);
  EXPECT_EQ(decoded.size, bytes.size());
  EXPECT_EQ(decoded.version, 1U);
  EXPECT_EQ(decoded.seed, log_segment_seed(bytes));
  const LogSegmentHeader& header = decoded.header;
  EXPECT_EQ(header.number, 9U);
  EXPECT_EQ(header.run, 4U);
  EXPECT_EQ(header.first_epoch, 0x123456789AU);
  EXPECT_EQ(header.boot_id, boot(7));
  EXPECT_EQ(header.inode, 55U);
  EXPECT_EQ(header.birth_ns, 66U);
  EXPECT_EQ(header.mode, HistorySync::kEach);
  EXPECT_TRUE(header.new_epochs);
  EXPECT_EQ(header.declared, 3U);
  EXPECT_EQ(header.older, full_header().older);
  EXPECT_FALSE(header.failed);
}

TEST(LogSegment, EachMode_IsDecodedAsItWasEncoded) {
  for (const HistorySync mode : {HistorySync::kOff, HistorySync::kInterval, HistorySync::kEach}) {
    LogSegmentHeader header = full_header();
    header.mode = mode;
    EXPECT_EQ(decode_log_header(encode_log_header(header)).header.mode, mode);
  }
}

TEST(LogSegment, Header_HasTheBytesThatTheCommentDocuments) {
  const auto bytes = encode_log_header(full_header());
  EXPECT_EQ(as_text(Bytes(bytes).first(8)), "wsdlog\r\n");
  EXPECT_EQ(bytes[8], 1);
  EXPECT_EQ(bytes[12], bytes.size());
  EXPECT_EQ(bytes[20], 0);
  EXPECT_EQ(bytes[24], 9);
  EXPECT_EQ(bytes[32], 4);
  EXPECT_EQ(bytes[40], 0x9A);
  EXPECT_EQ(bytes[63], 7);
  EXPECT_EQ(bytes[64], 55);
  EXPECT_EQ(bytes[72], 66);
  EXPECT_EQ(bytes[80], 1);
  EXPECT_EQ(bytes[81], 1);
  EXPECT_EQ(bytes[84], 3);
  EXPECT_EQ(bytes[88], 2);
  EXPECT_EQ(bytes[104], 5);
  EXPECT_EQ(bytes[112], 88);
}

TEST(LogSegment, Condition_IsReadAndLeavesTheHeaderValid) {
  auto bytes = encode_log_header(full_header());
  std::copy(kLogConditionFailed.begin(), kLogConditionFailed.end(),
            bytes.begin() + kLogConditionOffset);
  const DecodedLogHeader decoded = decode_log_header(bytes);
  EXPECT_EQ(decoded.state, State::kValid);
  EXPECT_TRUE(decoded.header.failed);
  EXPECT_EQ(decoded.seed, log_segment_seed(encode_log_header(full_header())));
}

TEST(LogSegment, EachFlippedBitOfTheHeader_MakesItInvalidOrFailed) {
  auto bytes = encode_log_header(full_header());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1U << bit % 8);
    const DecodedLogHeader decoded = decode_log_header(bytes);
    const bool in_condition = bit / 8 >= kLogConditionOffset && bit / 8 < kLogConditionOffset + 4;
    if (in_condition) {
      EXPECT_TRUE(decoded.state == State::kValid && decoded.header.failed) << bit;
    } else {
      EXPECT_TRUE(decoded.state == State::kBad || decoded.state == State::kShort) << bit;
    }
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1U << bit % 8);
  }
}

TEST(LogSegment, EachCutOfTheHeader_IsShort) {
  const auto bytes = encode_log_header(full_header());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::uint8_t> part(bytes.begin(),
                                         bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const DecodedLogHeader decoded = decode_log_header(part);
    EXPECT_EQ(decoded.state, State::kShort);
    EXPECT_EQ(decoded.size, size < kLogHeaderFields ? kLogHeaderFields : bytes.size());
  }
}

// Sets the version of a header, with a checksum that is right.
std::vector<std::uint8_t> of_version(std::uint8_t version) {
  auto bytes = encode_log_header(full_header());
  bytes[8] = version;
  const std::uint32_t crc = crc32c(Bytes(bytes).subspan(24), crc32c(Bytes(bytes).first(16)));
  for (unsigned i = 0; i < 4; ++i) bytes[16 + i] = static_cast<std::uint8_t>(crc >> 8 * i);
  return bytes;
}

TEST(LogSegment, NewerVersion_IsTold) {
  EXPECT_EQ(decode_log_header(of_version(1)).state, State::kValid);
  const DecodedLogHeader decoded = decode_log_header(of_version(2));
  EXPECT_EQ(decoded.state, State::kNewer);
  EXPECT_EQ(decoded.version, 2U);
  EXPECT_EQ(decode_log_header(of_version(0)).state, State::kBad);
}

TEST(LogSegment, ListThatIsNotAscendingAndBelowTheNumber_IsBad) {
  LogSegmentHeader header = full_header();
  header.older = {{5, 88}, {5, 88}};
  EXPECT_EQ(decode_log_header(encode_log_header(header)).state, State::kBad);
  header.older = {{9, 88}};
  EXPECT_EQ(decode_log_header(encode_log_header(header)).state, State::kBad);
  header.older = {{0, 88}};
  EXPECT_EQ(decode_log_header(encode_log_header(header)).state, State::kBad);
}

TEST(LogSegment, FileNames_AreReadBack) {
  EXPECT_EQ(log_segment_name(1), "00000001.log");
  EXPECT_EQ(log_segment_name(123'456'789), "123456789.log");
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{99'999'999},
                                     std::uint64_t{100'000'000}, std::uint64_t{1} << 48}) {
    EXPECT_EQ(parse_log_segment_name(log_segment_name(number)), number);
  }
}

TEST(LogSegment, OtherFileNames_AreNoSegments) {
  for (const char* name :
       {"", "lock", "1.log", "00000000.log", "000000001.log", "0000001a.log", "00000001.log.old",
        "00000001", "-0000001.log", "99999999999999999999999.log", "18446744073709551615.log",
        " 00000001.log"}) {
    EXPECT_EQ(parse_log_segment_name(name), std::nullopt) << name;
  }
}

// Reads all records of a file. Returns their numbers, such as "1 2".
std::string numbers(LogSegmentReader& reader) {
  std::string text;
  while (const auto record = reader.next()) {
    if (record->type != LogRecordType::kMessage) continue;
    if (!text.empty()) text += ' ';
    text += std::to_string(record->seq);
  }
  return text;
}

LogSegmentReader reader_of(const LogFile& file) {
  return {file.seed(), file.contents(), kLogHeaderFields};
}

LogFile three_messages() {
  LogSegmentHeader header;
  header.number = 1;
  LogFile file(header);
  file.room(0, "r", 1).message(0, 1, "one").message(0, 2, "two").message(0, 3, "three");
  return file;
}

TEST(LogSegmentReader, WholeSegment_HasNoBadBytes) {
  LogFile file = three_messages();
  LogSegmentReader reader = reader_of(file);
  EXPECT_EQ(numbers(reader), "1 2 3");
  EXPECT_EQ(reader.good_length(), file.size());
  EXPECT_FALSE(reader.has_bad_bytes());
  EXPECT_FALSE(reader.damaged());
  EXPECT_FALSE(reader.ended_cleanly());
}

TEST(LogSegmentReader, EndRecord_EndsCleanly_UnlessSomethingFollows) {
  LogFile file = three_messages();
  file.end();
  LogSegmentReader reader = reader_of(file);
  numbers(reader);
  EXPECT_TRUE(reader.ended_cleanly());
  LogFile more = file;
  more.message(0, 4, "four");
  LogSegmentReader second = reader_of(more);
  numbers(second);
  EXPECT_FALSE(second.ended_cleanly());
  LogFile torn = file;
  torn.bytes({1});
  LogSegmentReader third = reader_of(torn);
  numbers(third);
  EXPECT_FALSE(third.ended_cleanly());
}

TEST(LogSegmentReader, CutRecord_IsATornEnd) {
  const std::size_t before = three_messages().size() - log_message_size(5);
  for (std::size_t size = before + 1; size < three_messages().size(); ++size) {
    LogFile file = three_messages();
    file.cut(size);
    LogSegmentReader reader = reader_of(file);
    EXPECT_EQ(numbers(reader), "1 2");
    EXPECT_EQ(reader.good_length(), before);
    EXPECT_TRUE(reader.has_bad_bytes());
    EXPECT_FALSE(reader.damaged()) << size;
  }
}

TEST(LogSegmentReader, ZerosAtTheEnd_AreATornEnd) {
  LogFile file = three_messages();
  const std::size_t good = file.size();
  file.bytes(std::vector<std::uint8_t>(5'000));
  LogSegmentReader reader = reader_of(file);
  EXPECT_EQ(numbers(reader), "1 2 3");
  EXPECT_EQ(reader.good_length(), good);
  EXPECT_TRUE(reader.has_bad_bytes());
  EXPECT_FALSE(reader.damaged());
}

TEST(LogSegmentReader, BadRecordBeforeAValidOne_IsDamageAndIsSkipped) {
  LogFile file = three_messages();
  const std::size_t second = file.size() - log_message_size(5) - log_message_size(3);
  file.flip((second + kLogRecordHeader) * 8);
  LogSegmentReader reader = reader_of(file);
  EXPECT_EQ(numbers(reader), "1 3");
  EXPECT_EQ(reader.good_length(), second);
  EXPECT_TRUE(reader.damaged());
}

TEST(LogSegmentReader, EachFlippedBitOfTheLastRecord_IsDamage) {
  const std::size_t last = three_messages().size() - log_message_size(5);
  for (std::size_t bit = last * 8; bit < three_messages().size() * 8; ++bit) {
    LogFile file = three_messages();
    file.flip(bit);
    LogSegmentReader reader = reader_of(file);
    EXPECT_EQ(numbers(reader), "1 2");
    EXPECT_TRUE(reader.damaged()) << bit;
  }
}

// A frame may contain what looks like records. None of them is read.
TEST(LogSegmentReader, RecordInsideAFrame_IsNotRead) {
  LogFile inner = three_messages();
  const Bytes bytes = inner.contents();
  LogFile file = three_messages();
  file.message(0, 4, as_text(bytes)).message(0, 5, "five");
  LogFile good = file;
  LogSegmentReader reader = reader_of(good);
  EXPECT_EQ(numbers(reader), "1 2 3 4 5");
  // The same if the record around them is damaged, and is searched.
  file.flip((three_messages().size() + kLogRecordHeader + 4) * 8);
  LogSegmentReader second = reader_of(file);
  EXPECT_EQ(numbers(second), "1 2 3 5");
}

// The header of a message record that is valid, with a payload of this size that is not.
std::vector<std::uint8_t> crafted_header(std::uint32_t seed, std::uint64_t offset,
                                         std::uint32_t payload) {
  std::vector<std::uint8_t> header(kLogRecordHeader);
  store_little_endian(header.data() + 4, payload);
  header[8] = static_cast<std::uint8_t>(LogRecordType::kMessage);
  std::vector<std::uint8_t> place(8);
  store_little_endian(place.data(), offset);
  std::uint32_t crc = crc32c(place, seed);
  crc = crc32c(Bytes(header).subspan(4, 6), crc);
  crc = crc32c(Bytes(header).subspan(12, 4), crc);
  store_little_endian(header.data() + 10, static_cast<std::uint16_t>(crc));
  return header;
}

// 65,536 headers are valid, each of a record that reaches to the end. Without a limit, the search
// would compute checksums of 34 GB.
TEST(LogSegmentReader, ValidHeadersEverywhere_EndTheSearchAndAreDamage) {
  constexpr std::size_t kSize = std::size_t{1} << 20;
  constexpr std::uint32_t kSeed = 77;
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < kSize) {
    const auto rest = static_cast<std::uint32_t>(kSize - bytes.size() - kLogRecordHeader);
    const auto header = crafted_header(kSeed, bytes.size(), std::max(rest, 24U));
    bytes.insert(bytes.end(), header.begin(), header.end());
  }
  EXPECT_EQ(plausible_log_record(kSeed, 160, Bytes(bytes).subspan(160)), kSize - 160);
  LogSegmentReader reader(kSeed, bytes, 0);
  EXPECT_EQ(numbers(reader), "");
  EXPECT_TRUE(reader.damaged());
  EXPECT_LE(reader.searched_bytes(), 8 * kSize);
}

}  // namespace
}  // namespace wsd::engine
