// How the library logs: one line per event, never a payload or a token, peers' bytes escaped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace wsd {

// Lines of a lower level are left out.
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

// kAuto is text when the target is a terminal, JSON otherwise.
enum class LogFormat : std::uint8_t { kAuto, kText, kJson };

// What is logged, how, and to where.
struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;
  // Descriptor the lines go to; not owned. A writer thread does the writing, so that a slow target
  // never blocks a reactor; when it lags, lines are dropped and the number dropped is logged.
  int fd = 2;
};

}  // namespace wsd
