// Writes log lines on a thread of its own, so that a slow target never blocks a reactor.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/log_line.h"
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
  // descriptor no more.
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
  // What the thread uses. It outlives this object if a write blocks.
  class Writing;

  const LogLevel level_;
  std::shared_ptr<Writing> writing_;
  std::thread thread_;
};

}  // namespace wsd::server
