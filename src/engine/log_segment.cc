#include "engine/log_segment.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/crc32c.h"
#include "base/little_endian.h"

namespace wsd::engine {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'w', 's', 'd', 'l', 'o', 'g', '\r', '\n'};
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kLengthAt = 12;
constexpr std::size_t kCrcAt = 16;
constexpr std::size_t kNumberAt = 24;
constexpr std::size_t kRunAt = 32;
constexpr std::size_t kFirstEpochAt = 40;
constexpr std::size_t kBootIdAt = 48;
constexpr std::size_t kInodeAt = 64;
constexpr std::size_t kBirthAt = 72;
constexpr std::size_t kModeAt = 80;
constexpr std::size_t kFlagsAt = 81;
constexpr std::size_t kZeroAt = 82;
constexpr std::size_t kDeclaredAt = 84;
constexpr std::size_t kEntrySize = 16;
constexpr std::uint8_t kNewEpochs = 1;
constexpr std::uint8_t kUnkept = 2;

// The searches may compute checksums of so many times the bytes of the segment. Honest bytes need a
// small part of that. Crafted ones make the reader give up, and the unseen bytes count as damage.
constexpr std::uint64_t kMostSearches = 8;

constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kDigits = 8;

std::uint64_t number_at(Bytes bytes, std::size_t at) noexcept {
  return load_little_endian<std::uint64_t>(bytes.data() + at);
}

// `header` has all bytes of the header.
std::uint32_t header_crc(Bytes header) noexcept {
  return crc32c(header.subspan(kNumberAt), crc32c(header.first(kCrcAt)));
}

std::uint8_t mode_byte(HistorySync mode) noexcept {
  switch (mode) {
    case HistorySync::kEach:
      return 1;
    case HistorySync::kInterval:
      return 2;
    case HistorySync::kOff:
      break;
  }
  return 3;
}

std::optional<HistorySync> mode_of(std::uint8_t byte) noexcept {
  switch (byte) {
    case 1:
      return HistorySync::kEach;
    case 2:
      return HistorySync::kInterval;
    case 3:
      return HistorySync::kOff;
    default:
      return std::nullopt;
  }
}

bool all_zero(Bytes bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

// Returns the header whose checksum is right, or nothing if the encoder would not write such a one.
std::optional<LogSegmentHeader> read_header(Bytes bytes) {
  const auto mode = mode_of(bytes[kModeAt]);
  const std::uint8_t flags = bytes[kFlagsAt];
  const std::size_t list = bytes.size() - kLogHeaderFields;
  if (!mode || flags > (kNewEpochs | kUnkept) || list % kEntrySize != 0) return std::nullopt;
  if (load_little_endian<std::uint16_t>(bytes.data() + kZeroAt) != 0) return std::nullopt;
  LogSegmentHeader header;
  header.number = number_at(bytes, kNumberAt);
  header.run = number_at(bytes, kRunAt);
  header.first_epoch = number_at(bytes, kFirstEpochAt);
  std::copy_n(bytes.begin() + kBootIdAt, header.boot_id.size(), header.boot_id.begin());
  header.inode = number_at(bytes, kInodeAt);
  header.birth_ns = number_at(bytes, kBirthAt);
  header.mode = *mode;
  header.new_epochs = (flags & kNewEpochs) != 0;
  header.unkept = (flags & kUnkept) != 0;
  header.declared = load_little_endian<std::uint32_t>(bytes.data() + kDeclaredAt);
  constexpr std::array<std::uint8_t, 4> kGood = {};
  header.failed = !std::equal(kGood.begin(), kGood.end(), bytes.begin() + kLogConditionOffset);
  // So that neither number can overflow in the next run.
  constexpr std::uint64_t kMost = std::uint64_t{1} << 62;
  if (header.number == 0 || header.number > kMost || header.run > kMost ||
      header.first_epoch > kMost) {
    return std::nullopt;
  }
  header.older.reserve(list / kEntrySize);
  std::uint64_t before = 0;
  for (std::size_t at = kLogHeaderFields; at < bytes.size(); at += kEntrySize) {
    const LogSegmentEntry entry{number_at(bytes, at), number_at(bytes, at + 8)};
    if (entry.number <= before || entry.number >= header.number) return std::nullopt;
    before = entry.number;
    header.older.push_back(entry);
  }
  return header;
}

}  // namespace

std::vector<std::uint8_t> encode_log_header(const LogSegmentHeader& header) {
  std::vector<std::uint8_t> bytes(kLogHeaderFields + header.older.size() * kEntrySize);
  std::uint8_t* const at = bytes.data();
  std::copy(kMagic.begin(), kMagic.end(), at);
  store_little_endian(at + kVersionAt, kLogVersion);
  store_little_endian(at + kLengthAt, static_cast<std::uint32_t>(bytes.size()));
  store_little_endian(at + kNumberAt, header.number);
  store_little_endian(at + kRunAt, header.run);
  store_little_endian(at + kFirstEpochAt, header.first_epoch);
  std::copy(header.boot_id.begin(), header.boot_id.end(), at + kBootIdAt);
  store_little_endian(at + kInodeAt, header.inode);
  store_little_endian(at + kBirthAt, header.birth_ns);
  at[kModeAt] = mode_byte(header.mode);
  at[kFlagsAt] = static_cast<std::uint8_t>((header.new_epochs ? kNewEpochs : 0) |
                                           (header.unkept ? kUnkept : 0));
  store_little_endian(at + kDeclaredAt, header.declared);
  std::uint8_t* entry_at = at + kLogHeaderFields;
  for (const LogSegmentEntry& entry : header.older) {
    store_little_endian(entry_at, entry.number);
    store_little_endian(entry_at + 8, entry.good_length);
    entry_at += kEntrySize;
  }
  store_little_endian(at + kCrcAt, header_crc(bytes));
  return bytes;
}

std::uint32_t log_segment_seed(Bytes header) noexcept {
  return load_little_endian<std::uint32_t>(header.data() + kCrcAt);
}

DecodedLogHeader decode_log_header(Bytes bytes) {
  DecodedLogHeader decoded;
  const std::size_t compared = std::min(bytes.size(), kMagic.size());
  if (!std::equal(kMagic.begin(), kMagic.begin() + static_cast<std::ptrdiff_t>(compared),
                  bytes.begin())) {
    return decoded;
  }
  if (bytes.size() < kLogHeaderFields) {
    decoded.state = DecodedLogHeader::State::kShort;
    decoded.size = kLogHeaderFields;
    return decoded;
  }
  const std::size_t length = load_little_endian<std::uint32_t>(bytes.data() + kLengthAt);
  if (length < kLogHeaderFields || length > kMaxLogHeader || length % kLogRecordAlignment != 0) {
    return decoded;
  }
  decoded.size = length;
  if (bytes.size() < length) {
    decoded.state = DecodedLogHeader::State::kShort;
    return decoded;
  }
  bytes = bytes.first(length);
  decoded.version = load_little_endian<std::uint32_t>(bytes.data() + kVersionAt);
  decoded.seed = log_segment_seed(bytes);
  if (decoded.seed != header_crc(bytes) || decoded.version == 0) return decoded;
  if (decoded.version > kLogVersion) {
    decoded.state = DecodedLogHeader::State::kNewer;
    return decoded;
  }
  auto header = read_header(bytes);
  if (header) {
    decoded.header = std::move(*header);
    decoded.state = DecodedLogHeader::State::kValid;
  }
  return decoded;
}

std::string log_segment_name(std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return digits.append(kSuffix);
}

std::optional<std::uint64_t> parse_log_segment_name(std::string_view name) noexcept {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view digits = name.substr(0, name.size() - kSuffix.size());
  // One name for each number: no further zeros in front.
  if (digits.size() < kDigits || (digits.size() > kDigits && digits.front() == '0')) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;  // more than a server can fill
  if (error != std::errc() || end != digits.data() + digits.size() || number == 0 ||
      number > kMost) {
    return std::nullopt;
  }
  return number;
}

bool log_segment_was_used(std::uint64_t number, Bytes segment) {
  if (segment.size() < kLogHeaderFields) return false;
  // A header that is valid is that of another segment. Otherwise one bit may have changed, also in
  // the number.
  if (decode_log_header(segment).state == DecodedLogHeader::State::kValid) return false;
  const auto stored = load_little_endian<std::uint64_t>(segment.data() + kNumberAt);
  if (std::popcount(stored ^ number) > 1) return false;
  const auto holds = [&](std::uint32_t seed) {
    LogSegmentReader reader(seed, segment, kLogHeaderFields);
    while (const auto record = reader.next()) {
      if (record->after_sync || record->type != LogRecordType::kRoom) return true;
    }
    return false;
  };
  if (holds(log_segment_seed(segment))) return true;
  // The damage may be in the stored checksum itself.
  const std::size_t length = load_little_endian<std::uint32_t>(segment.data() + kLengthAt);
  const bool plausible = length >= kLogHeaderFields && length <= kMaxLogHeader &&
                         length % kLogRecordAlignment == 0 && length <= segment.size();
  return plausible && holds(header_crc(segment.first(length)));
}

LogSegmentReader::LogSegmentReader(std::uint32_t seed, Bytes segment, std::size_t at) noexcept
    : segment_(segment),
      seed_(seed),
      offset_(std::min(at, segment.size())),
      record_offset_(offset_),
      good_length_(offset_) {}

std::optional<LogRecord> LogSegmentReader::next() noexcept {
  while (offset_ < segment_.size()) {
    const auto decoded = decode_log_record(seed_, offset_, segment_.subspan(offset_));
    if (decoded.state == DecodedLogRecord::State::kValid) {
      record_offset_ = offset_;
      offset_ += decoded.size;
      if (!bad_) {
        good_length_ = offset_;
      } else {
        damaged_ = true;
      }
      clean_end_ = decoded.record.type == LogRecordType::kEnd;
      return decoded.record;
    }
    bad_ = true;
    const bool cut = decoded.state == DecodedLogRecord::State::kShort;
    if (!cut && !all_zero(segment_.subspan(offset_))) damaged_ = true;
    if (!find_next()) offset_ = segment_.size();
  }
  return std::nullopt;
}

// Goes to the next offset at which a record is valid, and returns whether there is one.
bool LogSegmentReader::find_next() noexcept {
  for (offset_ += kLogRecordAlignment; offset_ + kLogRecordHeader <= segment_.size();
       offset_ += kLogRecordAlignment) {
    const Bytes rest = segment_.subspan(offset_);
    const std::size_t size = plausible_log_record(seed_, offset_, rest);
    if (size == 0) continue;
    if (searched_ + size > kMostSearches * segment_.size()) {
      damaged_ = true;
      return false;
    }
    searched_ += size;
    if (decode_log_record(seed_, offset_, rest).state == DecodedLogRecord::State::kValid) {
      return true;
    }
  }
  return false;
}

}  // namespace wsd::engine
