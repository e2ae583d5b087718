#include "server/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <memory>
#include <new>
#include <utility>

#include "net/clock.h"
#include "server/block_sigpipe.h"

namespace wsd::server {
namespace {

// How much longer than kLastWordsMs the destructor waits, so that a thread that gives up by itself
// is joined.
constexpr std::uint64_t kGraceMs = 250;

bool as_json(const LogOptions& options) {
  if (options.format == LogFormat::kAuto) return options.sink || ::isatty(options.fd) == 0;
  return options.format == LogFormat::kJson;
}

}  // namespace

LogWriter::LogWriter(const LogOptions& options)
    : level_(options.level),
      writing_(std::make_shared<Writing>(options)),
      thread_([writing = writing_] { writing->run(); }) {}

LogWriter::~LogWriter() {
  writing_->stop();
  if (writing_->ends_in_time()) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

LogLine LogWriter::line(LogLevel level, std::string_view event) const {
  return writing_->line(level, event);
}

void LogWriter::write(LogLine& line) { writing_->queue(line); }

void LogWriter::lost() noexcept { writing_->lost(); }

LogWriter::Writing::Writing(const LogOptions& options)
    : sink_(options.sink), fd_(options.fd), json_(as_json(options)) {}

void LogWriter::Writing::queue(LogLine& line) {
  auto entry = std::make_unique<Entry>();
  entry->level = line.level();
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

void LogWriter::Writing::stop() noexcept {
  stop_.store(true, std::memory_order_release);
  wakes_.fetch_add(1, std::memory_order_release);
  wakes_.notify_one();
}

// poll(2) does not tell whether write(2) will block: another writer may fill the pipe in between, a
// socket may take a part only, and a file system may not respond.
bool LogWriter::Writing::ends_in_time() {
  std::unique_lock lock(mutex_);
  if (sink_) {
    ended_.wait(lock, [this] { return has_ended_; });
    return true;
  }
  const bool ended = ended_.wait_for(lock, std::chrono::milliseconds(kLastWordsMs + kGraceMs),
                                     [this] { return has_ended_; });
  if (!ended) abandoned_.store(true, std::memory_order_relaxed);
  return ended;
}

void LogWriter::Writing::run() {
  const BlockSigpipe block;  // the descriptor may be a pipe, and its reader may be gone
  write_lines();
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  ended_.notify_one();
}

void LogWriter::Writing::write_lines() noexcept {
  for (;;) {
    const std::uint32_t wakes = wakes_.load(std::memory_order_acquire);
    const bool stopping = stop_.load(std::memory_order_acquire);
    if (write_waiting() != 0) continue;
    if (stopping) return;
    if (waiting_.arm()) wakes_.wait(wakes, std::memory_order_acquire);
  }
}

std::uint32_t LogWriter::Writing::write_waiting() {
  std::string text;
  std::uint32_t lines = 0;
  for (Entry* entry = waiting_.take(); entry != nullptr;) {
    const std::unique_ptr<Entry> owned(std::exchange(entry, entry->next));
    ++lines;
    if (sink_) {
      pass(owned->level, owned->text);
      continue;
    }
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
      const std::string report =
          line(LogLevel::kWarn, "log_lines_dropped").add("count", dropped).take();
      if (sink_) {
        pass(LogLevel::kWarn, report);
      } else {
        text += report;
      }
    }
  } catch (const std::bad_alloc&) {
    dropped_.fetch_add(dropped, std::memory_order_relaxed);
  }
  write_all(text);
  count_.fetch_sub(lines, std::memory_order_relaxed);
  return lines;
}

// Returns whether the writer has been stopping for longer than kLastWordsMs.
bool LogWriter::Writing::out_of_time() noexcept {
  if (!stop_.load(std::memory_order_acquire)) return false;
  if (give_up_at_ms_ == 0) give_up_at_ms_ = net::monotonic_ms() + kLastWordsMs;
  return net::monotonic_ms() >= give_up_at_ms_;
}

void LogWriter::Writing::pass(LogLevel level, std::string_view line) noexcept {
  if (out_of_time()) return;
  line.remove_suffix(1);  // the newline
  try {
    sink_(level, line);
  } catch (...) {
    lost();
  }
}

// Waits if the target is full, but for no longer than kLastWordsMs once the writer is stopping. If
// a write fails, the lines are lost. A pipe that poll() reports as writable takes PIPE_BUF bytes
// without blocking (pipe(7)), even in blocking mode, unless another writer is faster.
void LogWriter::Writing::write_all(std::string_view text) noexcept {
  constexpr int kRetryMs = 100;
  while (!text.empty()) {
    const bool stopping = stop_.load(std::memory_order_acquire);
    if (stopping && give_up_at_ms_ == 0) give_up_at_ms_ = net::monotonic_ms() + kLastWordsMs;
    pollfd target{fd_, POLLOUT, 0};
    const int ready = ::poll(&target, 1, kRetryMs);
    if (abandoned_.load(std::memory_order_relaxed)) return;
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
