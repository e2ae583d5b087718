// Durations, sizes and whole numbers as an operator writes them. Exact: a fraction, a missing unit
// or a value that does not fit is refused, never rounded or cut.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::daemon {

// A value, or a clause that says what is wrong with the text and how to mend it.
template <class T>
struct Parsed {
  T value{};
  std::string error;
  [[nodiscard]] bool ok() const noexcept { return error.empty(); }
};

// What a duration of zero means to a setting.
enum class Zero : std::uint8_t {
  kRefused,
  kOff,        // "off" and "0" switch the setting off
  kImmediate,  // "0" is a duration like any other
};

// "250ms", "10s", "1m", "2h"; in milliseconds.
[[nodiscard]] Parsed<std::uint32_t> parse_duration_ms(std::string_view text, Zero zero);
// In the largest unit that says it exactly; parse_duration_ms() reads it back.
[[nodiscard]] std::string format_duration_ms(std::uint32_t value, Zero zero);

// "4096", "4096B", "64KiB", "1MiB", "2GiB", "1TiB"; at most `max` bytes.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text, std::uint64_t max);
// In the largest unit that says it exactly; parse_size() reads it back.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

// Decimal digits; at most `max`.
[[nodiscard]] Parsed<std::uint64_t> parse_count(std::string_view text, std::uint64_t max);

}  // namespace wsd::daemon
