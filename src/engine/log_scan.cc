#include "engine/log_scan.h"

#include "engine/log_segment.h"

namespace wsd::engine {

LogScan scan_log_segment(std::uint32_t seed, Bytes segment, std::size_t first) {
  LogScan scan;
  LogSegmentReader reader(seed, segment, first);
  scan.end = reader.offset();
  bool leading = true;
  while (const auto record = reader.next()) {
    if (scan.ranges.empty() || scan.ranges.back().end != reader.record_offset()) {
      scan.ranges.push_back({reader.record_offset(), reader.offset()});
    }
    scan.ranges.back().end = scan.end = reader.offset();
    ++scan.records;
    if (record->after_sync && reader.has_bad_bytes()) scan.synced_bytes_are_bad = true;
    leading = leading && record->type == LogRecordType::kRoom && !reader.has_bad_bytes();
    if (leading) ++scan.leading_rooms;
    if (record->type == LogRecordType::kRoom) scan.declarations.push_back(*record);
    if (record->type == LogRecordType::kDropped) scan.dropped.push_back(record->segment);
  }
  scan.good_length = reader.good_length();
  scan.has_bad_bytes = reader.has_bad_bytes();
  scan.damaged = reader.damaged();
  scan.ended_cleanly = reader.ended_cleanly();
  return scan;
}

}  // namespace wsd::engine
