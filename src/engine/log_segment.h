// A segment of the history log: one file with a header and records (log_record.h).
//
// The header. All numbers are little-endian.
//
//   offset size
//        0    8  "wsdlog\r\n"
//        8    4  version of the format: 1
//       12    4  length of the header in bytes, with the list; a multiple of 8
//       16    4  crc32c of the bytes 0 to 15, and of those from 24 to the end of the header
//       20    4  condition: 0, or "FAIL" if writing or syncing the segment has failed. It is
//                overwritten in place, so the crc32c does not cover it
//       24    8  number of the segment, which is also the name of its file
//       32    8  number of the run that wrote it
//       40    8  first epoch of the run
//       48   16  boot id of the system that wrote it (/proc/sys/kernel/random/boot_id)
//       64    8  inode number of the file itself
//       72    8  birth time of the file itself, in nanoseconds since 1970; 0: not known
//       80    1  mode: 1 each, 2 interval, 3 off (HistorySync)
//       81    1  flags: 1 = the run began with new epochs for all rooms; in each of its segments.
//                2 = messages of the run have taken effect that are not in the log: the next run
//                begins with new epochs
//       82    2  0
//       84    4  declared: the number of room records that directly follow the header. If one of
//       them
//                is not there, the segment was never used, because the server listens only after
//                they are on disk
//       88       the list of older segments: for each, its number u64 and its good length u64, in
//                ascending order. Bytes beyond the good length are not part of the log
//
// Magic, version, length and crc32c stay where they are in later versions, so a program can tell a
// newer segment from a damaged one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "engine/log_record.h"
#include "wsd/options.h"

namespace wsd::engine {

inline constexpr std::uint32_t kLogVersion = 1;
inline constexpr std::size_t kLogConditionOffset = 20;
inline constexpr std::array<std::uint8_t, 4> kLogConditionFailed = {'F', 'A', 'I', 'L'};
inline constexpr std::size_t kLogHeaderFields = 88;  // bytes before the list
inline constexpr std::size_t kMaxLogHeader = std::size_t{1} << 20;
// How many epochs each run has for itself.
inline constexpr std::uint64_t kLogEpochsPerRun = std::uint64_t{1} << 32;

using LogBootId = std::array<std::uint8_t, 16>;

// An older segment, in the list of a header.
struct LogSegmentEntry {
  std::uint64_t number = 0;
  std::uint64_t good_length = 0;  // bytes
  bool operator==(const LogSegmentEntry&) const = default;
};

struct LogSegmentHeader {
  std::uint64_t number = 0;  // 1 and above
  std::uint64_t run = 0;
  std::uint64_t first_epoch = 0;
  LogBootId boot_id = {};
  std::uint64_t inode = 0;
  std::uint64_t birth_ns = 0;
  HistorySync mode = HistorySync::kInterval;
  bool new_epochs = false;
  bool unkept = false;
  std::uint32_t declared = 0;
  std::vector<LogSegmentEntry> older;  // in ascending order, all below `number`
  bool failed = false;                 // the condition; encode_log_header() writes 0
};

// Returns the bytes of the header. Throws std::bad_alloc if memory runs out.
[[nodiscard]] std::vector<std::uint8_t> encode_log_header(const LogSegmentHeader& header);
// Returns the seed of the records of the segment whose header, of at least 24 bytes, is given.
[[nodiscard]] std::uint32_t log_segment_seed(Bytes header) noexcept;

// The result of decode_log_header().
struct DecodedLogHeader {
  enum class State : std::uint8_t {
    kValid,
    kBad,    // not a header, or damaged
    kShort,  // perhaps a header: it needs `size` bytes, and `bytes` has fewer
    kNewer,  // undamaged, but of a version that this program does not know
  };
  State state = State::kBad;
  std::size_t size = 0;       // kValid, kShort: of the header in bytes, at most kMaxLogHeader
  std::uint32_t version = 0;  // kValid, kNewer
  std::uint32_t seed = 0;     // kValid: of the records
  LogSegmentHeader header;    // kValid
};

// Decodes the header at the beginning of `bytes`. Throws std::bad_alloc if memory runs out.
[[nodiscard]] DecodedLogHeader decode_log_header(Bytes bytes);

// Returns whether the segment with this number was in use, although it has no valid header. The
// header is on disk before the server lays records other than the first declarations, or marks one
// as after_sync. So a segment without such a record was torn while it was created. Its bytes may be
// those of another file that the disk had in the same place.
[[nodiscard]] bool log_segment_was_used(std::uint64_t number, Bytes segment);

// Returns the name of the segment's file, such as "00000001.log": the number in at least eight
// decimal digits.
[[nodiscard]] std::string log_segment_name(std::uint64_t number);
// Returns the number of the segment whose file has this name, or nothing if no segment's has.
[[nodiscard]] std::optional<std::uint64_t> parse_log_segment_name(std::string_view name) noexcept;

// Reads the records of one segment in their order. Bad bytes are skipped up to the next valid
// record, for which the reader searches at each multiple of 8. The work of all searches is limited,
// so that hostile bytes cannot make it quadratic.
class LogSegmentReader {
 public:
  // `segment` has the bytes of the segment up to its good length, or of its whole file, and must
  // outlive the reader. `at` is the offset of the first record, which follows the header.
  LogSegmentReader(std::uint32_t seed, Bytes segment, std::size_t at) noexcept;

  // Returns the next valid record, or nothing at the end.
  [[nodiscard]] std::optional<LogRecord> next() noexcept;

  // About the record that next() has returned last: where it begins and where it ends.
  [[nodiscard]] std::size_t record_offset() const noexcept { return record_offset_; }
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

  // The rest is final when next() has returned nothing.

  // Returns the end of the last valid record before the first bad bytes: all up to there is good.
  [[nodiscard]] std::size_t good_length() const noexcept { return good_length_; }
  // Returns whether bad bytes were found, at good_length().
  [[nodiscard]] bool has_bad_bytes() const noexcept { return bad_; }
  // Returns whether the bad bytes are more than the rest of a write that did not end. They are
  // damage if a valid record follows, or may follow, because the search was given up. And at the
  // end they are damage unless the end of the segment cuts off a record, or they are zeros.
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }
  // Returns of how many bytes the searches have computed checksums: at most eight times the
  // segment.
  [[nodiscard]] std::uint64_t searched_bytes() const noexcept { return searched_; }
  // Returns whether the segment ends with the clean end record, and has no bad bytes.
  [[nodiscard]] bool ended_cleanly() const noexcept { return clean_end_ && !bad_; }

 private:
  [[nodiscard]] bool find_next() noexcept;

  Bytes segment_;
  std::uint32_t seed_;
  std::size_t offset_;
  std::size_t record_offset_;
  std::size_t good_length_;
  std::uint64_t searched_ = 0;
  bool bad_ = false;
  bool damaged_ = false;
  bool clean_end_ = false;
};

}  // namespace wsd::engine
