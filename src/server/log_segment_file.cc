#include "server/log_segment_file.h"

#include "net/clock.h"

namespace wsd::server {

int LogSegmentFile::append(Bytes bytes) noexcept {
  const std::uint64_t end = written_.load(std::memory_order_relaxed);
  const int error = file_.write(bytes, end);
  if (error == 0) written_.store(end + bytes.size(), std::memory_order_release);
  return error;
}

int LogSegmentFile::sync(Histogram& durations) noexcept {
  const std::lock_guard lock(syncing_);
  if (sync_error() != 0) return sync_error();
  const std::uint64_t end = written();
  if (end == synced_.load(std::memory_order_relaxed)) return 0;
  const std::uint64_t before = net::monotonic_ns();
  const int error = file_.sync();
  durations.record(net::monotonic_ns() - before);
  if (error == 0) {
    synced_.store(end, std::memory_order_release);
  } else {
    sync_error_.store(error, std::memory_order_release);
  }
  return error;
}

}  // namespace wsd::server
