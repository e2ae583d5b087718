// One log entry, as text or as JSON. Bytes that a peer chose cannot leave their field.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "wsd/log.h"

namespace wsd {

// Builds `ts=… level=… event=… key=value …`, or the same as a JSON object. Keys come from the
// program and are written unchanged. Values are shortened to kMaxValueBytes. In text, values are
// quoted if necessary. Control bytes, DEL and bytes above 0x7E are written as \xNN in both forms.
class LogLine {
 public:
  static constexpr std::size_t kMaxValueBytes = 256;

  // `json` selects the form. `unix_ms` is in milliseconds since 1970-01-01 00:00 UTC.
  LogLine(bool json, LogLevel level, std::string_view event, std::uint64_t unix_ms);

  LogLine& add(std::string_view key, std::string_view value);
  template <std::unsigned_integral T>
  LogLine& add(std::string_view key, T value) {
    return add_number(key, value);
  }

  [[nodiscard]] LogLevel level() const noexcept { return level_; }
  // Returns the line with its newline, and leaves the object empty.
  [[nodiscard]] std::string take();

 private:
  LogLine& add_number(std::string_view key, std::uint64_t value);
  void add_key(std::string_view key);

  std::string line_;
  bool json_;
  LogLevel level_;
};

// Returns "debug", "info", "warn", "error" or "off".
[[nodiscard]] std::string_view log_level_name(LogLevel level) noexcept;

}  // namespace wsd
