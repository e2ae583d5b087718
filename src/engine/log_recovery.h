// Turns the segments of a history log into the knowledge that a new run of the server needs.
//
// Sans I/O: the caller lists the directory, reads what next() asks for, and hands over the bytes.
// So one buffer, of the size of the largest segment, is enough. Segments are read from the newest
// to the oldest: newer records decide which older ones are still valid, so a message that the log
// no longer needs is never copied.
//
//   LogRecovery recovery(boot_id);
//   for each file of the directory that parse_log_segment_name() knows, in any order:
//     std::size_t head = kLogFirstRead;
//     do { read min(head, size) bytes } while ((head = recovery.add_file(facts, bytes)) != 0);
//   if (!recovery.error().empty()) stop;
//   while (const auto part = recovery.next()) {
//     read part->length bytes of segment part->number from its beginning;
//     recovery.add_segment(bytes), or recovery.cannot_read(reason);
//   }
//   RecoveredLog log = recovery.finish();
//
// All functions may throw std::bad_alloc; the object can then only be destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "engine/log_segment.h"
#include "engine/recovered_log.h"

namespace wsd::engine {

// How much of each file add_file() gets at first, in bytes.
inline constexpr std::size_t kLogFirstRead = 4096;

// The facts that the file system knows about the file of a segment.
struct LogFileFacts {
  std::uint64_t number = 0;  // by its name
  std::uint64_t size = 0;    // bytes
  std::uint64_t inode = 0;
  std::uint64_t birth_ns = 0;  // since 1970; 0: not known
};

class LogRecovery {
 public:
  // `boot_id` is that of the running system.
  explicit LogRecovery(const LogBootId& boot_id);
  LogRecovery(const LogRecovery&) = delete;
  LogRecovery& operator=(const LogRecovery&) = delete;
  ~LogRecovery();

  // Takes a file with its first bytes. Returns 0, or a larger number of bytes (or the whole file,
  // if it is shorter): call again with as many of them.
  [[nodiscard]] std::size_t add_file(const LogFileFacts& facts, Bytes head);
  // Returns an empty string, or why this program must not use the log, as a sentence: a segment has
  // a newer format. Valid after the last add_file().
  [[nodiscard]] std::string error() const;

  // A file to be read from its beginning.
  struct Part {
    std::uint64_t number = 0;
    std::uint64_t length = 0;  // bytes; at least 1
  };
  // Returns what to read next, or nothing if all was read. After each part, either add_segment() or
  // cannot_read() must be called.
  [[nodiscard]] std::optional<Part> next();
  // Takes the bytes of the part that next() has returned. Fewer bytes than its length mean that the
  // file has become shorter.
  void add_segment(Bytes bytes);
  // Says that the part cannot be read, which is damage. `reason` is for the report.
  void cannot_read(std::string_view reason);

  // Returns the result. Only once, after next() has returned nothing.
  [[nodiscard]] RecoveredLog finish();

  // After finish(): the segments of the log in ascending order, with their good lengths. The header
  // of the next segment must list them.
  [[nodiscard]] const std::vector<LogSegmentEntry>& kept() const noexcept;
  // After finish(): the files that are not part of the log. The next run unlinks them, but not
  // before its own first segment is on disk.
  [[nodiscard]] const std::vector<std::uint64_t>& unlinks() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wsd::engine
