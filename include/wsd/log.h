// How the library logs. Each event is one line. It never contains a payload or a token, and bytes
// from peers are escaped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace wsd {

// Entries below the configured level are not written.
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

// kAuto means text if the target is a terminal, and JSON otherwise.
enum class LogFormat : std::uint8_t { kAuto, kText, kJson };

// Log settings.
struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;
  // The file descriptor to write to. The library does not close it. A separate thread writes, so
  // that a slow target never blocks a reactor. If that thread falls behind, entries are dropped,
  // and their number is logged. If it is a pipe without a reader, entries are lost, and no SIGPIPE
  // is raised.
  int fd = 2;
  // Gets the entries instead of `fd`, if it is not empty: the level and the line of each, without a
  // newline. kAuto then means JSON. The view is valid until the function returns. Only the thread
  // of the log calls it, so it may block, but it must not destroy the server. An entry is dropped
  // if the function throws an exception. The destructor of the server waits until it has returned.
  // After 1.5 seconds the destructor drops the entries that still wait.
  std::function<void(LogLevel level, std::string_view line)> sink = {};
};

}  // namespace wsd
