// The end of the history log: lays records into a buffer, writes them, and begins new segments.
//
// A group is all that is laid from one commit() to the next: it is kept as a whole, or it is not
// part of the log. Functions that return an int return 0 or an errno. After an error, only
// abandon() may be called, and then begin_segment().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/byte_buffer.h"
#include "base/bytes.h"
#include "base/histogram.h"
#include "engine/log_record.h"
#include "engine/log_segment.h"
#include "server/log_directory.h"
#include "server/log_room_table.h"
#include "server/log_segment_file.h"
#include "wsd/options.h"

namespace wsd::server {

// The log's writer only.
class LogAppender {
 public:
  // Larger records get a segment of their own.
  static constexpr std::uint64_t kSegmentBytes = std::uint64_t{64} << 20;
  // The buffer is written when it has this many bytes.
  static constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

  // The facts that all segments of one run have in common.
  struct Run {
    std::uint64_t number = 1;
    std::uint64_t first_epoch = 0;
    std::uint64_t next_segment = 1;
    engine::LogBootId boot_id = {};
    HistorySync sync = HistorySync::kInterval;
    bool new_epochs = false;
    bool unkept = false;
    std::vector<engine::LogSegmentEntry> older;
  };

  // The directory and the histogram must outlive this object. `syncs` gets the durations of its
  // calls of fdatasync.
  LogAppender(const LogDirectory& directory, Histogram& syncs, std::uint64_t segment_bytes) noexcept
      : directory_(directory), syncs_(syncs), segment_bytes_(segment_bytes), encoder_(buffer_) {}

  void begin_run(Run run) noexcept { run_ = std::move(run); }
  // Creates the next segment, which is on disk when the call returns. `declared` are the rooms to
  // declare in it at once. Throws std::bad_alloc.
  [[nodiscard]] int begin_segment(std::span<LogRoom* const> declared = {});
  // As begin_segment(), but only if the disk also has space for `spare` bytes.
  [[nodiscard]] int begin_segment_with_space(std::span<LogRoom* const> declared, std::size_t spare);

  // Messages have taken effect that are not kept. All later segments say so, because a room that
  // has no message after them would otherwise give their positions again.
  void note_unkept() noexcept { run_.unkept = true; }

  // Marks the first record of a group if all before it is on disk, so that a recovery can tell bad
  // bytes from a group that a power loss has cut. The log must not have failed.
  void begin_group() noexcept;

  // Lay one record each. A room is declared before its first record in a segment. Throw
  // std::bad_alloc.
  [[nodiscard]] int declare(LogRoom& room);
  // Declares the room also if it is declared already, so that a restart finds its kept_from().
  [[nodiscard]] int declare_again(LogRoom& room);
  [[nodiscard]] int message(LogRoom& room, std::uint64_t seq, std::uint64_t oldest,
                            std::uint64_t wall_ms, Bytes frame);
  [[nodiscard]] int placeholder(LogRoom& room, std::uint64_t seq, std::uint64_t oldest,
                                std::uint64_t wall_ms);
  [[nodiscard]] int removal(LogRoom& room, std::uint64_t seq, bool all_before);
  [[nodiscard]] int dropped(std::uint64_t segment);
  [[nodiscard]] int end();

  // Writes the buffer to the kernel.
  [[nodiscard]] int flush() noexcept;
  // Writes the flushed records to the disk. Segments before the current one are there already,
  // except in mode off.
  [[nodiscard]] int sync() noexcept;
  // All records so far are part of the log. They must be flushed.
  void commit() noexcept;

  // The log has failed: removes the records that were not committed, and marks the current
  // segment as failed, each as far as the disk allows. The current segment is now an older one.
  void abandon() noexcept;

  // Segments that are left are on disk even in mode off, as a compaction needs it.
  void sync_left_segments(bool always) noexcept { sync_left_ = always; }
  // The segment is no longer part of the log.
  void forget(std::uint64_t segment) noexcept;

  // Returns the bytes that are laid, but not yet written.
  [[nodiscard]] std::size_t waiting() const noexcept { return buffer_.size(); }
  // The current segment; nullptr if the log has failed.
  [[nodiscard]] const std::shared_ptr<LogSegmentFile>& current() const noexcept { return current_; }
  // The older segments that are part of the log, in ascending order.
  [[nodiscard]] const std::vector<engine::LogSegmentEntry>& older() const noexcept {
    return run_.older;
  }
  // Returns the bytes of all segments, with the buffer.
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  // Returns the size of the record that was laid last.
  [[nodiscard]] std::size_t record_size() const noexcept { return record_size_; }
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  // Returns the number of calls that have written records.
  [[nodiscard]] std::uint64_t writes() const noexcept { return writes_; }

 private:
  // A segment that was left within the group.
  struct Left {
    std::shared_ptr<LogSegmentFile> file;
    std::uint64_t committed = 0;
  };

  [[nodiscard]] int create(std::span<LogRoom* const> declared, std::size_t spare);
  [[nodiscard]] int write_header(LogSegmentFile& file, std::span<LogRoom* const> declared);
  [[nodiscard]] int probe_space(LogSegmentFile& file, std::size_t spare);
  [[nodiscard]] int roll();
  [[nodiscard]] int prepare(std::size_t bytes);
  [[nodiscard]] int prepare_in(LogRoom& room, std::size_t bytes);
  [[nodiscard]] int lay_declaration(LogRoom& room);
  [[nodiscard]] int laid(bool done, std::size_t before) noexcept;
  void cut(LogSegmentFile& file, std::uint64_t committed) noexcept;

  const LogDirectory& directory_;
  Histogram& syncs_;
  const std::uint64_t segment_bytes_;
  Run run_;
  std::shared_ptr<LogSegmentFile> current_;
  std::uint32_t seed_ = 0;            // of the current segment
  std::uint32_t rooms_declared_ = 0;  // in the current segment
  std::uint64_t header_bytes_ = 0;    // of the current segment, with the first declarations
  std::uint64_t committed_ = 0;       // bytes of the current segment
  std::vector<Left> left_;
  ByteBuffer buffer_;
  engine::LogRecordEncoder encoder_;
  std::size_t record_size_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t writes_ = 0;
  bool sync_left_ = false;
};

}  // namespace wsd::server
