// One pass over the bytes of a segment: finds its valid records and the rooms that it declares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "engine/log_record.h"

namespace wsd::engine {

// The result of scan_log_segment(). Has views into the bytes of the segment.
struct LogScan {
  // Adjacent valid records, from offset `begin` to offset `end`.
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::vector<Range> ranges;
  std::vector<LogRecord> declarations;  // the room records, in their order
  std::vector<std::uint64_t> dropped;   // segments that dropped records name
  std::uint64_t records = 0;
  std::size_t leading_rooms = 0;  // room records directly after the header
  std::size_t good_length = 0;    // as LogSegmentReader has it, and the rest too
  std::size_t end = 0;            // of the last valid record
  bool has_bad_bytes = false;
  bool damaged = false;
  // Whether a record behind bad bytes says that they were on disk before it was written.
  bool synced_bytes_are_bad = false;
  bool ended_cleanly = false;
};

// Reads all records of the segment. `first` is the offset of the first one. Throws std::bad_alloc
// if memory runs out.
[[nodiscard]] LogScan scan_log_segment(std::uint32_t seed, Bytes segment, std::size_t first);

// Calls `visit` with each record of the scan, in their order. Computes no checksum again.
template <class Visit>
void visit_log_records(const LogScan& scan, Bytes segment, const Visit& visit) {
  for (const LogScan::Range& range : scan.ranges) {
    for (std::size_t at = range.begin; at < range.end;) {
      const DecodedLogRecord decoded = read_checked_log_record(segment.subspan(at));
      at += decoded.size;
      visit(decoded.record);
    }
  }
}

}  // namespace wsd::engine
