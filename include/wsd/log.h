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
};

}  // namespace wsd
