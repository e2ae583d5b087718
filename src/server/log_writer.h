// Writes log lines on a thread of its own, so that a slow target never blocks a reactor.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include "base/log_line.h"
#include "hub/mailbox.h"
#include "wsd/log.h"

namespace wsd::server {

class LogWriter {
 public:
  // The number of lines that may wait. Further lines are dropped and counted.
  static constexpr std::uint32_t kMaxWaiting = 16'384;
  // The time in which the destructor writes the waiting lines.
  static constexpr std::uint64_t kLastWordsMs = 2'000;

  explicit LogWriter(const LogOptions& options);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  // Writes the waiting lines, as far as the target takes them within kLastWordsMs.
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
  void lost() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }

 private:
  struct Entry {
    Entry* next = nullptr;
    std::string text;
  };

  void run();
  void write_all(std::string_view text) noexcept;

  hub::Mailbox<Entry> waiting_;
  const LogLevel level_;
  const int fd_;
  const bool json_;
  std::atomic<std::uint64_t> dropped_{0};  // relaxed: a statistic
  std::atomic<std::uint32_t> count_{0};    // relaxed: a limit, it orders nothing
  std::atomic<std::uint32_t> wakes_{0};    // the thread waits for a change of it
  std::atomic<bool> stop_{false};
  std::uint64_t give_up_at_ms_ = 0;  // used by the thread only
  std::thread thread_;
};

}  // namespace wsd::server
