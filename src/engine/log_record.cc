#include "engine/log_record.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/crc32c.h"
#include "base/little_endian.h"

namespace wsd::engine {
namespace {

constexpr std::size_t kLengthAt = 4;
constexpr std::size_t kTypeAt = 8;
constexpr std::size_t kFlagsAt = 9;
constexpr std::size_t kCheckAt = 10;
constexpr std::size_t kRoomAt = 12;
constexpr std::uint8_t kFlag = 1;
constexpr std::uint8_t kAfterSync = 2;

std::uint64_t number_at(Bytes payload, std::size_t at) noexcept {
  return load_little_endian<std::uint64_t>(payload.data() + at);
}

// Returns the checksum of the place of a record and of its header.
std::uint32_t header_crc(std::uint32_t seed, std::uint64_t offset,
                         const std::uint8_t* header) noexcept {
  std::array<std::uint8_t, 18> covered{};
  store_little_endian(covered.data(), offset);
  std::memcpy(covered.data() + 8, header + kLengthAt, kCheckAt - kLengthAt);
  std::memcpy(covered.data() + 14, header + kRoomAt, kLogRecordHeader - kRoomAt);
  return crc32c(covered, seed);
}

// Returns the payload before the name or the frame, or nothing if there is no such type.
std::optional<std::size_t> fields_of(LogRecordType type) noexcept {
  switch (type) {
    case LogRecordType::kRoom:
      return kLogRoomFields;
    case LogRecordType::kMessage:
      return kLogMessageFields;
    case LogRecordType::kRemoval:
    case LogRecordType::kDropped:
      return 8;
    case LogRecordType::kEnd:
      return 0;
  }
  return std::nullopt;
}

// Whether the header of a record is one that the encoder writes. The search for a valid record
// calls it for each multiple of 8, before it computes a checksum.
bool is_plausible(const std::uint8_t* header) noexcept {
  const auto type = static_cast<LogRecordType>(header[kTypeAt]);
  const std::uint8_t flags = header[kFlagsAt];
  const auto fields = fields_of(type);
  if (!fields) return false;
  const auto length = load_little_endian<std::uint32_t>(header + kLengthAt);
  const bool has_flag = type == LogRecordType::kMessage || type == LogRecordType::kRemoval;
  const auto known = static_cast<std::uint8_t>(has_flag ? kAfterSync | kFlag : kAfterSync);
  if (length < *fields || (flags | known) != known) return false;
  // Only a name and a frame have any length.
  const bool placeholder = type == LogRecordType::kMessage && (flags & kFlag) != 0;
  const bool open_end =
      type == LogRecordType::kRoom || (type == LogRecordType::kMessage && !placeholder);
  if (!open_end && length != *fields) return false;
  const bool has_room = type != LogRecordType::kDropped && type != LogRecordType::kEnd;
  return has_room || load_little_endian<std::uint32_t>(header + kRoomAt) == 0;
}

bool has_check(std::uint32_t header_crc, const std::uint8_t* header) noexcept {
  return load_little_endian<std::uint16_t>(header + kCheckAt) ==
         static_cast<std::uint16_t>(header_crc);
}

LogRecord read_fields(const std::uint8_t* header, Bytes payload) noexcept {
  LogRecord record;
  record.type = static_cast<LogRecordType>(header[kTypeAt]);
  record.room = load_little_endian<std::uint32_t>(header + kRoomAt);
  const bool flag = (header[kFlagsAt] & kFlag) != 0;
  record.after_sync = (header[kFlagsAt] & kAfterSync) != 0;
  switch (record.type) {
    case LogRecordType::kRoom:
      record.epoch = number_at(payload, 0);
      record.from = number_at(payload, 8);
      record.oldest = number_at(payload, 16);
      record.bytes = payload.subspan(kLogRoomFields);
      break;
    case LogRecordType::kMessage:
      record.removed = flag;
      record.seq = number_at(payload, 0);
      record.oldest = number_at(payload, 8);
      record.wall_ms = number_at(payload, 16);
      record.bytes = payload.subspan(kLogMessageFields);
      break;
    case LogRecordType::kRemoval:
      record.all_before = flag;
      record.seq = number_at(payload, 0);
      break;
    case LogRecordType::kDropped:
      record.segment = number_at(payload, 0);
      break;
    case LogRecordType::kEnd:
      break;
  }
  return record;
}

}  // namespace

// A record without its name or frame: the payload begins with `numbers`.
struct LogRecordEncoder::Fields {
  LogRecordType type;
  bool flag;
  std::uint32_t room;
  std::size_t count;
  std::array<std::uint64_t, 3> numbers;
};

bool LogRecordEncoder::append(const Fields& fields, Bytes tail) noexcept {
  const std::size_t payload = fields.count * 8 + tail.size();
  if (tail.size() > std::numeric_limits<std::uint32_t>::max() - 64) return false;
  const std::size_t size = log_record_size(payload);
  const std::size_t wanted = buffer_.size() + size;
  if (wanted > buffer_.capacity() &&
      !buffer_.reserve(std::max(wanted, buffer_.capacity() + buffer_.capacity() / 2)) &&
      !buffer_.reserve(wanted)) {
    return false;
  }
  std::uint8_t* const at = buffer_.room().data();
  // The zeros at the end first. The rest may overwrite a part of them.
  std::memset(at + size - kLogRecordAlignment, 0, kLogRecordAlignment);
  store_little_endian(at + kLengthAt, static_cast<std::uint32_t>(payload));
  at[kTypeAt] = static_cast<std::uint8_t>(fields.type);
  at[kFlagsAt] =
      static_cast<std::uint8_t>((fields.flag ? kFlag : 0) | (after_sync_ ? kAfterSync : 0));
  store_little_endian(at + kRoomAt, fields.room);
  for (std::size_t i = 0; i < fields.count; ++i) {
    store_little_endian(at + kLogRecordHeader + i * 8, fields.numbers[i]);
  }
  if (!tail.empty()) {
    std::memcpy(at + kLogRecordHeader + fields.count * 8, tail.data(), tail.size());
  }
  const std::uint32_t header = header_crc(seed_, offset_, at);
  store_little_endian(at + kCheckAt, static_cast<std::uint16_t>(header));
  store_little_endian(at, crc32c({at + kLogRecordHeader, size - kLogRecordHeader}, header));
  buffer_.grow(size);
  offset_ += size;
  after_sync_ = false;
  return true;
}

bool LogRecordEncoder::room(std::uint32_t number, std::uint64_t epoch, std::uint64_t from,
                            std::uint64_t oldest, Bytes name) noexcept {
  return append({LogRecordType::kRoom, false, number, 3, {epoch, from, oldest}}, name);
}

bool LogRecordEncoder::message(std::uint32_t room, std::uint64_t seq, std::uint64_t oldest,
                               std::uint64_t wall_ms, Bytes frame) noexcept {
  return append({LogRecordType::kMessage, false, room, 3, {seq, oldest, wall_ms}}, frame);
}

bool LogRecordEncoder::placeholder(std::uint32_t room, std::uint64_t seq, std::uint64_t oldest,
                                   std::uint64_t wall_ms) noexcept {
  return append({LogRecordType::kMessage, true, room, 3, {seq, oldest, wall_ms}}, {});
}

bool LogRecordEncoder::removal(std::uint32_t room, std::uint64_t seq, bool all_before) noexcept {
  return append({LogRecordType::kRemoval, all_before, room, 1, {seq, 0, 0}}, {});
}

bool LogRecordEncoder::dropped(std::uint64_t segment) noexcept {
  return append({LogRecordType::kDropped, false, 0, 1, {segment, 0, 0}}, {});
}

bool LogRecordEncoder::end() noexcept {
  return append({LogRecordType::kEnd, false, 0, 0, {0, 0, 0}}, {});
}

std::size_t plausible_log_record(std::uint32_t seed, std::uint64_t offset, Bytes bytes) noexcept {
  if (bytes.size() < kLogRecordHeader || !is_plausible(bytes.data())) return 0;
  const std::size_t size =
      log_record_size(load_little_endian<std::uint32_t>(bytes.data() + kLengthAt));
  const bool whole = size <= bytes.size();
  return whole && has_check(header_crc(seed, offset, bytes.data()), bytes.data()) ? size : 0;
}

DecodedLogRecord read_checked_log_record(Bytes bytes) noexcept {
  DecodedLogRecord decoded;
  const std::size_t payload = load_little_endian<std::uint32_t>(bytes.data() + kLengthAt);
  decoded.size = log_record_size(payload);
  decoded.state = DecodedLogRecord::State::kValid;
  decoded.record = read_fields(bytes.data(), bytes.subspan(kLogRecordHeader, payload));
  return decoded;
}

DecodedLogRecord decode_log_record(std::uint32_t seed, std::uint64_t offset, Bytes bytes) noexcept {
  DecodedLogRecord decoded;
  if (bytes.size() < kLogRecordHeader) {
    decoded.state = DecodedLogRecord::State::kShort;
    decoded.size = kLogRecordHeader;
    return decoded;
  }
  if (!is_plausible(bytes.data())) return decoded;
  const std::uint32_t header = header_crc(seed, offset, bytes.data());
  if (!has_check(header, bytes.data())) return decoded;
  const std::size_t payload = load_little_endian<std::uint32_t>(bytes.data() + kLengthAt);
  decoded.size = log_record_size(payload);
  if (decoded.size > bytes.size()) {
    decoded.state = DecodedLogRecord::State::kShort;
    return decoded;
  }
  const Bytes after = bytes.first(decoded.size).subspan(kLogRecordHeader);
  if (load_little_endian<std::uint32_t>(bytes.data()) != crc32c(after, header)) {
    decoded.size = 0;
    return decoded;
  }
  decoded.state = DecodedLogRecord::State::kValid;
  decoded.record = read_fields(bytes.data(), after.first(payload));
  return decoded;
}

}  // namespace wsd::engine
