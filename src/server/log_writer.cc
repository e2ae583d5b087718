#include "server/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <new>
#include <utility>

#include "net/clock.h"
#include "server/block_sigpipe.h"

namespace wsd::server {
namespace {

bool as_json(const LogOptions& options) {
  if (options.format == LogFormat::kAuto) return ::isatty(options.fd) == 0;
  return options.format == LogFormat::kJson;
}

}  // namespace

LogWriter::LogWriter(const LogOptions& options)
    : level_(options.level), fd_(options.fd), json_(as_json(options)), thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  stop_.store(true, std::memory_order_release);
  wakes_.fetch_add(1, std::memory_order_release);
  wakes_.notify_one();
  thread_.join();
}

LogLine LogWriter::line(LogLevel level, std::string_view event) const {
  return {json_, level, event, net::wall_clock_ms()};
}

void LogWriter::write(LogLine& line) {
  auto entry = std::make_unique<Entry>();
  entry->text = line.take();
  if (count_.fetch_add(1, std::memory_order_relaxed) >= kMaxWaiting) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    lost();
    return;
  }
  if (waiting_.push(entry.release())) {
    wakes_.fetch_add(1, std::memory_order_release);
    wakes_.notify_one();
  }
}

void LogWriter::run() {
  const BlockSigpipe block;  // the descriptor may be a pipe, and its reader may be gone
  for (;;) {
    const std::uint32_t wakes = wakes_.load(std::memory_order_acquire);
    const bool stopping = stop_.load(std::memory_order_acquire);
    std::string text;
    std::uint32_t lines = 0;
    for (Entry* entry = waiting_.take(); entry != nullptr;) {
      const std::unique_ptr<Entry> owned(std::exchange(entry, entry->next));
      ++lines;
      try {
        text += owned->text;
      } catch (const std::bad_alloc&) {
        write_all(text);
        text.clear();
        write_all(owned->text);
      }
    }
    const std::uint64_t dropped = dropped_.exchange(0, std::memory_order_relaxed);
    try {
      if (dropped != 0) {
        text += line(LogLevel::kWarn, "log_lines_dropped").add("count", dropped).take();
      }
    } catch (const std::bad_alloc&) {
      dropped_.fetch_add(dropped, std::memory_order_relaxed);
    }
    write_all(text);
    count_.fetch_sub(lines, std::memory_order_relaxed);
    if (lines != 0) continue;
    if (stopping) return;
    if (waiting_.arm()) wakes_.wait(wakes, std::memory_order_acquire);
  }
}

// Waits if the target is full, but for no longer than kLastWordsMs once the writer is stopping. If
// a write fails, the lines are lost. A pipe that poll() reports as writable takes PIPE_BUF bytes
// without blocking (pipe(7)), even in blocking mode.
void LogWriter::write_all(std::string_view text) noexcept {
  constexpr int kRetryMs = 100;
  while (!text.empty()) {
    const bool stopping = stop_.load(std::memory_order_acquire);
    if (stopping && give_up_at_ms_ == 0) give_up_at_ms_ = net::monotonic_ms() + kLastWordsMs;
    pollfd target{fd_, POLLOUT, 0};
    const int ready = ::poll(&target, 1, kRetryMs);
    if (ready > 0) {
      const ssize_t count = ::write(fd_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
      if (count > 0) {
        text.remove_prefix(static_cast<std::size_t>(count));
        continue;
      }
      if (count == 0 || (errno != EINTR && errno != EAGAIN)) return;
    } else if (ready < 0 && errno != EINTR) {
      return;
    }
    if (stopping && net::monotonic_ms() >= give_up_at_ms_) return;
  }
}

}  // namespace wsd::server
