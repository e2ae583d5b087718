// Writes the history log to disk beside its writer, on a thread of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "base/histogram.h"
#include "server/log_segment_file.h"
#include "server/log_wake.h"

namespace wsd::server {

// Calls fdatasync at most once in each interval while something waits for it, and at once if the
// writer asks.
class LogSync {
 public:
  // `done` is called on the thread of turn() after each call of fdatasync. 0 as interval: only when
  // the writer asks.
  LogSync(std::uint32_t interval_ms, std::function<void()> done)
      : interval_ns_(std::uint64_t{interval_ms} * 1'000'000), done_(std::move(done)) {}

  [[nodiscard]] bool valid() const noexcept { return wake_.valid(); }

  // The writer: something was written to the segment, and must be on disk after the interval.
  void written(const std::shared_ptr<LogSegmentFile>& file) noexcept;
  // The writer: all that was written to the segment must be on disk soon.
  void hurry(const std::shared_ptr<LogSegmentFile>& file) noexcept;
  // Any thread. turn() returns false from then on.
  void stop() noexcept;

  // Waits at most `max_wait_ms` (-1: without a limit) until a sync is due, and does it. Returns
  // false after stop().
  bool turn(int max_wait_ms);

  void add_to(DurationHistogram& total) const noexcept { durations_.add_to(total); }

 private:
  void set_file(const std::shared_ptr<LogSegmentFile>& file) noexcept;
  // Returns after how many milliseconds a sync is due: 0: now, -1: never.
  [[nodiscard]] int due_in_ms() const noexcept;

  const std::uint64_t interval_ns_;
  const std::function<void()> done_;
  LogWake wake_;
  std::mutex mutex_;
  std::shared_ptr<LogSegmentFile> file_;       // guarded by mutex_
  const LogSegmentFile* last_file_ = nullptr;  // the writer's: what file_ is
  std::atomic<bool> dirty_{false};
  std::atomic<bool> hurry_{false};
  std::atomic<bool> stop_{false};
  std::uint64_t next_ns_ = 0;  // the thread of turn() only
  Histogram durations_;
};

}  // namespace wsd::server
