// Durations, sizes and whole numbers as an operator writes them. Parsing is exact: it rejects a
// fraction, a missing unit or a value that does not fit, and never rounds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::daemon {

// A value, or a clause that names the text, the broken rule and the remedy.
template <class T>
struct Parsed {
  T value{};
  std::string error;
  [[nodiscard]] bool ok() const noexcept { return error.empty(); }
};

// The meaning of a zero duration for a setting.
enum class Zero : std::uint8_t {
  kRefused,
  kOff,        // "off" and "0" disable the setting
  kImmediate,  // "0" is a duration like any other
};

// Parses "250ms", "10s", "1m" or "2h" to milliseconds.
[[nodiscard]] Parsed<std::uint32_t> parse_duration_ms(std::string_view text, Zero zero);
// Returns the duration in the largest unit that is exact. parse_duration_ms() parses it back.
[[nodiscard]] std::string format_duration_ms(std::uint32_t value, Zero zero);

// Parses "4096", "4096B", "64KiB", "1MiB", "2GiB" or "1TiB"; at most `max` bytes.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text, std::uint64_t max);
// Returns the size in the largest unit that is exact. parse_size() parses it back.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

// Parses the permission bits of a file, such as "660" or "0660": three or four octal digits.
[[nodiscard]] Parsed<std::uint32_t> parse_file_mode(std::string_view text);
// Returns the bits as four octal digits.
[[nodiscard]] std::string format_file_mode(std::uint32_t mode);

// Parses decimal digits; at most `max`.
[[nodiscard]] Parsed<std::uint64_t> parse_count(std::string_view text, std::uint64_t max);

}  // namespace wsd::daemon
