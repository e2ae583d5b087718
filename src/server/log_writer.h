// The thread that writes log lines, so that a slow target never blocks a reactor.
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
  // Lines that may wait; beyond them lines are dropped and counted.
  static constexpr std::uint32_t kMaxWaiting = 16'384;
  static constexpr std::uint64_t kLastWordsMs = 2'000;

  explicit LogWriter(const LogOptions& options);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  // Writes what waits, as far as its target takes it within kLastWordsMs.
  ~LogWriter();

  // All: any thread.
  [[nodiscard]] bool wants(LogLevel level) const noexcept {
    return level != LogLevel::kOff && level >= level_;
  }
  // A line to be filled and given to write().
  [[nodiscard]] LogLine line(LogLevel level, std::string_view event) const;
  // Where memory runs out (std::bad_alloc) the line is as it was.
  void write(LogLine& line);
  // Counts a line that memory was lacking for, as one that was dropped.
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
  std::atomic<std::uint32_t> count_{0};    // relaxed: a bound, it orders nothing
  std::atomic<std::uint32_t> wakes_{0};    // what the thread sleeps on
  std::atomic<bool> stop_{false};
  std::uint64_t give_up_at_ms_ = 0;  // the thread's
  std::thread thread_;
};

}  // namespace wsd::server
