// The directory of the history log, its lock and its files. Every system call of the log is here.
//
// Functions that return an int return 0 or an errno. They call the kernel again after EINTR, and
// after a short read or write. The C library's functions are called by their plain names, so that
// the linker's --wrap can replace them: openat, close, mkdirat, flock, fstatfs, statx, getdents64,
// pread, pwrite, fdatasync, fsync, ftruncate and unlinkat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/log_recovery.h"
#include "engine/log_segment.h"

namespace wsd::server {

// Owns the descriptor of one file. One thread at a time, except sync().
class LogFile {
 public:
  LogFile() = default;
  explicit LogFile(int fd) noexcept : fd_(fd) {}
  LogFile(LogFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  LogFile& operator=(LogFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // Writes all bytes at `offset`. After an error, any part of them may be in the file.
  [[nodiscard]] int write(Bytes bytes, std::uint64_t offset) noexcept;
  // Reads until `into` is full or the file ends, and sets `count` to the number of bytes.
  [[nodiscard]] int read(MutableBytes into, std::uint64_t offset,
                         std::size_t& count) const noexcept;
  [[nodiscard]] int sync() noexcept;  // fdatasync; any thread
  [[nodiscard]] int truncate(std::uint64_t size) noexcept;
  // Sets all fields except `number`.
  [[nodiscard]] int facts(engine::LogFileFacts& facts) const noexcept;

 private:
  int fd_ = -1;
};

// Owns the lock of a directory. One thread.
class LogDirectory {
 public:
  // Creates the directory with mode 0700 if it is missing, and locks it until this object ends.
  // Returns an empty string, or an error as a sentence with the remedy. `any_file_system`: accepts
  // file systems whose syncs or locks are not known to be reliable.
  [[nodiscard]] std::string open(const std::string& path, bool any_file_system);

  // Opens the directory for reading only, without locking it, and sets `in_use` to whether a server
  // has locked it. Returns an empty string, or an error as a sentence with the remedy.
  [[nodiscard]] std::string open_for_reading(const std::string& path, bool& in_use);

  // Sets `numbers` to the numbers of all segment files, in ascending order.
  [[nodiscard]] int list(std::vector<std::uint64_t>& numbers) const;
  // Opens a segment for reading, and also for writing if `writable`.
  [[nodiscard]] int open_segment(std::uint64_t number, bool writable, LogFile& file) const;
  // Creates a segment, which must not exist.
  [[nodiscard]] int create_segment(std::uint64_t number, LogFile& file) const;
  // Does nothing if the segment does not exist.
  [[nodiscard]] int unlink_segment(std::uint64_t number) const;
  // Writes the names of files that were created or unlinked to disk.
  [[nodiscard]] int sync() const noexcept;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Returns whether a directory with this path exists and can be read.
  [[nodiscard]] static bool exists(const std::string& path) noexcept;
  // Returns the identity of the current boot. If the kernel does not tell it, returns random bytes,
  // which equal no other boot.
  [[nodiscard]] static engine::LogBootId boot_id() noexcept;
  // Returns the type of a file system that is not known to be reliable, such as "NFS", or nullptr.
  // `magic` is the f_type of statfs(2).
  [[nodiscard]] static const char* doubtful_file_system(std::uint64_t magic) noexcept;

 private:
  [[nodiscard]] std::string lock();

  std::string path_;
  LogFile directory_;
  LogFile lock_;
};

}  // namespace wsd::server
