// Frees the oldest segments of the history log: copies their live records to the end of the log.
//
// One segment at a time, the oldest first, in slices, so that the writer's other work never waits
// for long:
//
//   copying   records that a restart needs are laid at the end of the log
//   syncing   until the copies are on disk, in every mode
//   dropping  a record says that the segment is no longer needed; until it is on disk
//   then      the file is unlinked
//
// The order, oldest first, has two consequences. A declaration of an epoch is in the same or in a
// later segment than the records that it makes invalid, so they go first. And the record of a
// removal follows all records of the message that it removes. When its segment is compacted, the
// message is only at the end of the log, as a placeholder. So neither is copied.
//
// A room that has ended was declared for the last time after its records, and keeps none of them.
// So records of rooms that are not known are dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "engine/log_record.h"
#include "engine/log_segment.h"
#include "server/log_appender.h"
#include "server/log_directory.h"
#include "server/log_room_table.h"

namespace wsd::server {

// The log's writer only.
class LogCompaction {
 public:
  // The most bytes that one turn reads, unless a record is larger.
  static constexpr std::size_t kSliceBytes = std::size_t{256} << 10;

  // All must outlive this object.
  LogCompaction(const LogDirectory& directory, LogRoomTable& rooms, LogAppender& appender)
      : directory_(directory), rooms_(rooms), appender_(appender) {}

  [[nodiscard]] bool active() const noexcept { return stage_ != Stage::kIdle; }
  // Returns whether begin() would do nothing.
  [[nodiscard]] bool blocked() const noexcept { return blocked_ || appender_.older().empty(); }
  // Returns whether the next turn() has something to do besides waiting for the disk.
  [[nodiscard]] bool ready() const noexcept;
  // Returns whether turn() waits until all that was written to the current segment is on disk.
  [[nodiscard]] bool waits_for_disk() const noexcept;

  // Begins with the oldest segment. Does nothing if there is none, or if an earlier compaction has
  // found a segment that it could not read. Throws std::bad_alloc.
  void begin();
  // Does a part of the work, and commits it. Returns 0, or an errno of the log's end: then the log
  // has failed. Throws std::bad_alloc.
  [[nodiscard]] int turn();
  // Gives up. The segment stays. For a log that has failed.
  void abandon() noexcept;

  // Returns a sentence if the segment could not be read, and forgets it.
  [[nodiscard]] std::string take_damage() noexcept;

 private:
  enum class Stage : std::uint8_t { kIdle, kCopying, kSyncing, kDropping };
  // A room, as the segment declares it.
  struct Declared {
    std::string name;
    std::uint64_t epoch = 0;
  };

  [[nodiscard]] bool read_header();
  [[nodiscard]] bool read_slice(std::size_t wanted);
  [[nodiscard]] int copy_slice();
  [[nodiscard]] int copy(const engine::LogRecord& record);
  [[nodiscard]] int copy_message(const engine::LogRecord& record);
  [[nodiscard]] int drop();
  [[nodiscard]] int unlink();
  [[nodiscard]] int commit(Stage next);
  [[nodiscard]] bool is_on_disk() const noexcept;
  void cannot_read(const std::string& reason);
  void note_damage(const std::string& reason);

  const LogDirectory& directory_;
  LogRoomTable& rooms_;
  LogAppender& appender_;
  Stage stage_ = Stage::kIdle;
  bool blocked_ = false;
  std::uint64_t noted_ = 0;    // the segment whose damage was reported last
  std::uint64_t segment_ = 0;  // that is compacted
  std::uint64_t length_ = 0;   // of it
  LogFile file_;
  std::uint32_t seed_ = 0;
  std::uint64_t offset_ = 0;  // of the next record; the slice begins there
  ByteBuffer slice_;
  std::vector<Declared> declared_;  // by number
  // The end of the records that must be on disk.
  std::uint64_t target_segment_ = 0;
  std::uint64_t target_length_ = 0;
  std::string damage_;
};

}  // namespace wsd::server
