// A segment of the history log that this run writes.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "base/histogram.h"
#include "server/log_directory.h"

namespace wsd::server {

// The log's writer writes and changes it, on one thread at a time. Any thread may sync it.
class LogSegmentFile {
 public:
  LogSegmentFile(std::uint64_t number, LogFile file) noexcept
      : number_(number), file_(std::move(file)) {}

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] LogFile& file() noexcept { return file_; }

  // Writes at the end. Returns 0 or an errno.
  [[nodiscard]] int append(Bytes bytes) noexcept;
  // The bytes that append() has written, and those of them that are on disk. Any thread.
  [[nodiscard]] std::uint64_t written() const noexcept {
    return written_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t synced() const noexcept {
    return synced_.load(std::memory_order_acquire);
  }
  // Any thread. Writes all that was appended to disk, and records how long that took. Returns 0 or
  // an errno. After an error, every later call returns it: the kernel reports the loss of a page
  // only once, and a later sync would succeed without the page.
  [[nodiscard]] int sync(Histogram& durations) noexcept;
  // Any thread. Returns the error of sync(), or 0.
  [[nodiscard]] int sync_error() const noexcept {
    return sync_error_.load(std::memory_order_acquire);
  }

 private:
  const std::uint64_t number_;
  LogFile file_;
  std::mutex syncing_;
  std::atomic<int> sync_error_{0};  // changed under syncing_
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> synced_{0};
};

}  // namespace wsd::server
