#include "engine/log_record.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/crc32c.h"

namespace wsd::engine {
namespace {

using State = DecodedLogRecord::State;

constexpr std::uint32_t kSeed = 0x5EED5EED;
constexpr std::uint64_t kOffset = 104;

// One record, encoded.
template <class Encode>
std::vector<std::uint8_t> encoded(const Encode& encode) {
  ByteBuffer buffer;
  LogRecordEncoder encoder(buffer);
  encoder.begin(kSeed, kOffset);
  EXPECT_TRUE(encode(encoder));
  EXPECT_EQ(encoder.offset(), kOffset + buffer.size());
  return {buffer.bytes().begin(), buffer.bytes().end()};
}

std::vector<std::uint8_t> message(std::string_view frame) {
  return encoded([&](LogRecordEncoder& encoder) {
    return encoder.message(3, 7, 5, 1'700'000'000'123, as_bytes(frame));
  });
}

std::vector<std::vector<std::uint8_t>> one_of_each() {
  return {
      encoded([](LogRecordEncoder& e) { return e.room(2, 9, 4, 3, as_bytes("room")); }),
      message("frame"),
      encoded([](LogRecordEncoder& e) { return e.placeholder(3, 7, 5, 11); }),
      encoded([](LogRecordEncoder& e) { return e.removal(3, 7, true); }),
      encoded([](LogRecordEncoder& e) { return e.dropped(12); }),
      encoded([](LogRecordEncoder& e) { return e.end(); }),
  };
}

TEST(LogRecord, EachType_IsDecodedAsItWasEncoded) {
  const auto records = one_of_each();
  const auto decode = [](const std::vector<std::uint8_t>& bytes) {
    const DecodedLogRecord decoded = decode_log_record(kSeed, kOffset, bytes);
    EXPECT_EQ(decoded.state, State::kValid);
    EXPECT_EQ(decoded.size, bytes.size());
    EXPECT_EQ(plausible_log_record(kSeed, kOffset, bytes), bytes.size());
    const DecodedLogRecord checked = read_checked_log_record(bytes);
    EXPECT_EQ(checked.size, decoded.size);
    EXPECT_EQ(checked.record.type, decoded.record.type);
    EXPECT_EQ(checked.record.seq, decoded.record.seq);
    EXPECT_EQ(checked.record.bytes.data(), decoded.record.bytes.data());
    EXPECT_EQ(checked.record.bytes.size(), decoded.record.bytes.size());
    return decoded.record;
  };
  const LogRecord room = decode(records[0]);
  EXPECT_EQ(room.type, LogRecordType::kRoom);
  EXPECT_EQ(room.room, 2U);
  EXPECT_EQ(room.epoch, 9U);
  EXPECT_EQ(room.from, 4U);
  EXPECT_EQ(room.oldest, 3U);
  EXPECT_EQ(as_text(room.bytes), "room");
  const LogRecord message = decode(records[1]);
  EXPECT_EQ(message.type, LogRecordType::kMessage);
  EXPECT_FALSE(message.removed);
  EXPECT_EQ(message.room, 3U);
  EXPECT_EQ(message.seq, 7U);
  EXPECT_EQ(message.oldest, 5U);
  EXPECT_EQ(message.wall_ms, 1'700'000'000'123U);
  EXPECT_EQ(as_text(message.bytes), "frame");
  const LogRecord placeholder = decode(records[2]);
  EXPECT_EQ(placeholder.type, LogRecordType::kMessage);
  EXPECT_TRUE(placeholder.removed);
  EXPECT_EQ(placeholder.wall_ms, 11U);
  EXPECT_TRUE(placeholder.bytes.empty());
  const LogRecord removal = decode(records[3]);
  EXPECT_EQ(removal.type, LogRecordType::kRemoval);
  EXPECT_TRUE(removal.all_before);
  EXPECT_EQ(removal.seq, 7U);
  EXPECT_EQ(decode(records[4]).segment, 12U);
  EXPECT_EQ(decode(records[5]).type, LogRecordType::kEnd);
}

TEST(LogRecord, Message_HasTheBytesThatTheHeaderDocuments) {
  const std::vector<std::uint8_t> bytes = message(
      "\x81\x03"
      "abc");
  ASSERT_EQ(bytes.size(), 48U);
  const std::vector<std::uint8_t> head = {29, 0, 0, 0, 2, 0};  // length, type, flags
  EXPECT_TRUE(std::equal(head.begin(), head.end(), bytes.begin() + 4));
  const std::vector<std::uint8_t> rest = {3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0};
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), bytes.begin() + 12));
  EXPECT_EQ(as_text(Bytes(bytes).subspan(40)), std::string("\x81\x03"
                                                           "abc\0\0\0",
                                                           8));
  // The two checksums, as the comment at the top of log_record.h gives them.
  std::uint32_t crc = kSeed;
  const std::vector<std::uint8_t> place = {kOffset, 0, 0, 0, 0, 0, 0, 0};
  crc = crc32c(place, crc);
  crc = crc32c(Bytes(bytes).subspan(4, 6), crc);
  crc = crc32c(Bytes(bytes).subspan(12, 4), crc);
  EXPECT_EQ(bytes[10], crc & 0xFF);
  EXPECT_EQ(bytes[11], crc >> 8 & 0xFF);
  crc = crc32c(Bytes(bytes).subspan(16), crc);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(bytes[i], crc >> 8 * i & 0xFF);
}

TEST(LogRecord, EachFlippedBit_MakesItBad) {
  for (auto bytes : one_of_each()) {
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1U << bit % 8);
      // kBad, and never kShort: a damaged length does not look like a record that was cut off.
      EXPECT_EQ(decode_log_record(kSeed, kOffset, bytes).state, State::kBad) << bit;
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1U << bit % 8);
    }
  }
}

TEST(LogRecord, EachCut_IsShortAndNamesTheSize) {
  for (const auto& bytes : one_of_each()) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::vector<std::uint8_t> part(bytes.begin(),
                                           bytes.begin() + static_cast<std::ptrdiff_t>(size));
      const DecodedLogRecord decoded = decode_log_record(kSeed, kOffset, part);
      EXPECT_EQ(decoded.state, State::kShort) << size;
      EXPECT_EQ(decoded.size, size < kLogRecordHeader ? kLogRecordHeader : bytes.size());
      EXPECT_EQ(plausible_log_record(kSeed, kOffset, part), 0U);
    }
  }
}

TEST(LogRecord, OtherSegmentOrOffset_MakesItBad) {
  for (const auto& bytes : one_of_each()) {
    EXPECT_EQ(decode_log_record(kSeed + 1, kOffset, bytes).state, State::kBad);
    EXPECT_EQ(decode_log_record(kSeed, kOffset + 8, bytes).state, State::kBad);
  }
}

TEST(LogRecord, Zeros_AreBad) {
  const std::vector<std::uint8_t> zeros(64);
  for (std::uint32_t seed = 0; seed < 1'000; ++seed) {
    EXPECT_EQ(decode_log_record(seed, 0, zeros).state, State::kBad);
  }
}

TEST(LogRecord, Encoder_AppendsRecordsOfAllSizes) {
  ByteBuffer buffer;
  LogRecordEncoder encoder(buffer);
  encoder.begin(kSeed, kOffset);
  for (std::size_t size = 0; size < 200; ++size) {
    ASSERT_TRUE(encoder.message(0, size + 1, 1, 0, as_bytes(std::string(size, 'x'))));
  }
  std::size_t at = 0;
  for (std::size_t size = 0; size < 200; ++size) {
    const auto decoded = decode_log_record(kSeed, kOffset + at, buffer.bytes().subspan(at));
    ASSERT_EQ(decoded.state, State::kValid) << size;
    EXPECT_EQ(decoded.size, log_message_size(size));
    EXPECT_EQ(decoded.record.seq, size + 1);
    EXPECT_EQ(as_text(decoded.record.bytes), std::string(size, 'x'));
    at += decoded.size;
  }
  EXPECT_EQ(at, buffer.size());
}

TEST(LogRecord, TooLargeFrame_ChangesNothing) {
  ByteBuffer buffer;
  LogRecordEncoder encoder(buffer);
  encoder.begin(kSeed, kOffset);
  const std::uint8_t byte = 0;
  const Bytes huge(&byte, std::numeric_limits<std::uint32_t>::max());  // its bytes are not read
  EXPECT_FALSE(encoder.message(0, 1, 1, 0, huge));
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_EQ(encoder.offset(), kOffset);
}

TEST(LogRecord, MarkSynced_IsInTheNextRecordOnly) {
  ByteBuffer buffer;
  LogRecordEncoder encoder(buffer);
  encoder.begin(1, 0);
  encoder.mark_synced();
  ASSERT_TRUE(encoder.placeholder(0, 1, 1, 0));
  const std::size_t second = buffer.size();
  ASSERT_TRUE(encoder.removal(0, 1, true));
  const auto first = decode_log_record(1, 0, buffer.bytes());
  ASSERT_EQ(first.state, DecodedLogRecord::State::kValid);
  EXPECT_TRUE(first.record.after_sync);
  EXPECT_TRUE(first.record.removed);
  const auto other = decode_log_record(1, second, Bytes(buffer.bytes()).subspan(second));
  ASSERT_EQ(other.state, DecodedLogRecord::State::kValid);
  EXPECT_FALSE(other.record.after_sync);
  EXPECT_TRUE(other.record.all_before);
}

}  // namespace
}  // namespace wsd::engine
