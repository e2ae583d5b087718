#include "server/log_sync.h"

#include <algorithm>
#include <utility>

#include "net/clock.h"

namespace wsd::server {

void LogSync::set_file(const std::shared_ptr<LogSegmentFile>& file) noexcept {
  if (file.get() == last_file_) return;
  last_file_ = file.get();
  const std::lock_guard lock(mutex_);
  file_ = file;
}

void LogSync::written(const std::shared_ptr<LogSegmentFile>& file) noexcept {
  if (interval_ns_ == 0) return;
  set_file(file);
  if (!dirty_.exchange(true)) wake_.wake();
}

void LogSync::hurry(const std::shared_ptr<LogSegmentFile>& file) noexcept {
  set_file(file);
  if (!hurry_.exchange(true)) wake_.wake();
}

void LogSync::stop() noexcept {
  stop_.store(true);
  wake_.wake();
}

int LogSync::due_in_ms() const noexcept {
  if (hurry_.load()) return 0;
  if (!dirty_.load()) return -1;
  const std::uint64_t now = net::monotonic_ns();
  if (now >= next_ns_) return 0;
  return static_cast<int>((next_ns_ - now + 999'999) / 1'000'000);
}

bool LogSync::turn(int max_wait_ms) {
  if (stop_.load()) return false;
  const int due = due_in_ms();
  if (due != 0) {
    const bool shorter = due > 0 && (max_wait_ms < 0 || due < max_wait_ms);
    wake_.wait(shorter ? due : max_wait_ms);
    if (stop_.load()) return false;
    if (due_in_ms() != 0) return true;
  }
  hurry_.store(false);
  // Cleared before the sync: later writes are for the next one.
  dirty_.store(false);
  std::shared_ptr<LogSegmentFile> file;
  {
    const std::lock_guard lock(mutex_);
    file = file_;
  }
  next_ns_ = net::monotonic_ns() + interval_ns_;
  // The writer finds an error in the file.
  if (file != nullptr) static_cast<void>(file->sync(durations_));
  done_();
  return true;
}

}  // namespace wsd::server
