#include "base/log_line.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/civil_time.h"

namespace wsd {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warn", "error", "off"};
constexpr std::string_view kEllipsis = "...";

bool is_plain(char each) noexcept {
  return each > ' ' && each <= '~' && each != '"' && each != '\\' && each != '=';
}

void append_hex(std::string& out, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 0xF];
}

// Both forms escape quotes and backslashes the same way. Other bytes that are not printable ASCII
// become \xNN. JSON needs that backslash doubled.
void append_escaped(std::string& out, std::string_view value, bool json) {
  for (const char each : value) {
    if (each == '"' || each == '\\') {
      out += '\\';
      out += each;
    } else if (each >= ' ' && each <= '~') {
      out += each;
    } else {
      out += json ? "\\\\x" : "\\x";
      append_hex(out, static_cast<unsigned char>(each));
    }
  }
}

void append_padded(std::string& out, unsigned value, std::size_t width) {
  const std::string digits = std::to_string(value);
  out.append(width - std::min(width, digits.size()), '0').append(digits);
}

// Formats the time according to RFC 3339, in UTC.
std::string timestamp(std::uint64_t unix_ms) {
  const CivilTime time = civil_time(unix_ms / 1000);
  std::string out;
  append_padded(out, time.year, 4);
  append_padded(out += '-', time.month, 2);
  append_padded(out += '-', time.day, 2);
  append_padded(out += 'T', time.hour, 2);
  append_padded(out += ':', time.minute, 2);
  append_padded(out += ':', time.second, 2);
  append_padded(out += '.', static_cast<unsigned>(unix_ms % 1000), 3);
  return out += 'Z';
}

}  // namespace

std::string_view log_level_name(LogLevel level) noexcept {
  return kLevels[static_cast<std::size_t>(level)];
}

LogLine::LogLine(bool json, LogLevel level, std::string_view event, std::uint64_t unix_ms)
    : json_(json), level_(level) {
  if (json_) line_ += '{';
  add("ts", timestamp(unix_ms)).add("level", log_level_name(level)).add("event", event);
}

void LogLine::add_key(std::string_view key) {
  if (json_) {
    if (line_.size() > 1) line_ += ',';
    line_.append("\"").append(key).append("\":");
  } else {
    if (!line_.empty()) line_ += ' ';
    line_.append(key).append("=");
  }
}

LogLine& LogLine::add(std::string_view key, std::string_view value) {
  add_key(key);
  const bool cut = value.size() > kMaxValueBytes;
  if (cut) value = value.substr(0, kMaxValueBytes);
  const bool quoted = json_ || value.empty() || !std::all_of(value.begin(), value.end(), is_plain);
  if (quoted) line_ += '"';
  append_escaped(line_, value, json_);
  if (cut) line_ += kEllipsis;
  if (quoted) line_ += '"';
  return *this;
}

LogLine& LogLine::add_number(std::string_view key, std::uint64_t value) {
  add_key(key);
  line_ += std::to_string(value);
  return *this;
}

std::string LogLine::take() {
  if (json_) line_ += '}';
  line_ += '\n';
  return std::exchange(line_, {});
}

}  // namespace wsd
