// Writes log lines on a thread of its own, so that a slow target never blocks a reactor.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/log_line.h"
#include "hub/mailbox.h"
#include "net/clock.h"
#include "wsd/log.h"

namespace wsd::server {

class LogWriter {
 public:
  // The number of lines that may wait. Further lines are dropped and counted.
  static constexpr std::uint32_t kMaxWaiting = 16'384;
  // The time in which the destructor writes the waiting lines.
  static constexpr std::uint64_t kLastWordsMs = 1'500;

  explicit LogWriter(const LogOptions& options);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  // Writes the waiting lines, as far as the target takes them within kLastWordsMs. A write that
  // still blocks then is abandoned with its thread, which ends when the write does, and uses the
  // descriptor no more. A sink is not abandoned, because it may use objects of its owner.
  ~LogWriter();

  // All functions below: any thread.

  // Returns whether entries of this level are written.
  [[nodiscard]] bool wants(LogLevel level) const noexcept {
    return level != LogLevel::kOff && level >= level_;
  }
  // Begins a line. Complete it with LogLine::add() and pass it to write().
  [[nodiscard]] LogLine line(LogLevel level, std::string_view event) const;
  // Queues the line for the thread. If memory runs out, throws std::bad_alloc and leaves the line
  // unchanged.
  void write(LogLine& line);
  // Counts a line as dropped because memory ran out.
  void lost() noexcept;

 private:
  // The state of the thread. It outlives this object if a write blocks.
  class Writing;

  const LogLevel level_;
  std::shared_ptr<Writing> writing_;
  std::thread thread_;
};

// The thread's part of a LogWriter.
class LogWriter::Writing {
 public:
  explicit Writing(const LogOptions& options);

  // Any thread.
  [[nodiscard]] LogLine line(LogLevel level, std::string_view event) const {
    return {json_, level, event, net::wall_clock_ms()};
  }
  void queue(LogLine& line);
  void lost() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
  void stop() noexcept;
  // Waits until run() has returned, but at most until the thread should have given up. Returns
  // false if a write blocks. The thread then uses the descriptor no more. Waits without a limit if
  // there is a sink.
  [[nodiscard]] bool ends_in_time();

  // The thread's function.
  void run();

 private:
  struct Entry {
    Entry* next = nullptr;
    LogLevel level = LogLevel::kOff;
    std::string text;
  };

  // Returns the number of lines that were written or lost.
  std::uint32_t write_waiting();
  void write_lines() noexcept;
  void write_all(std::string_view text) noexcept;
  void pass(LogLevel level, std::string_view line) noexcept;
  [[nodiscard]] bool out_of_time() noexcept;

  hub::Mailbox<Entry> waiting_;
  std::condition_variable ended_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> dropped_{0};  // relaxed: a statistic
  std::uint64_t give_up_at_ms_ = 0;        // used by the thread only
  std::atomic<std::uint32_t> count_{0};    // relaxed: a limit, it orders nothing
  std::atomic<std::uint32_t> wakes_{0};    // the thread waits for a change of it
  const std::function<void(LogLevel level, std::string_view line)> sink_;
  const int fd_;
  const bool json_;
  bool has_ended_ = false;  // guarded by mutex_
  std::atomic<bool> stop_{false};
  std::atomic<bool> abandoned_{false};  // relaxed: the destructor must not wait for its effect
};

}  // namespace wsd::server
