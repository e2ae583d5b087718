#include "protocol/http_date.h"

#include <algorithm>

#include "base/civil_time.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

}  // namespace

HttpDate::HttpDate(std::uint64_t unix_seconds) noexcept {
  const CivilTime time = civil_time(unix_seconds);
  const auto digit = [](unsigned value, unsigned divisor) {
    return static_cast<char>('0' + value / divisor % 10);
  };
  constexpr std::string_view kPattern = "Www, dd Mmm yyyy hh:mm:ss GMT";
  static_assert(kPattern.size() == sizeof(text_));
  kPattern.copy(text_.data(), text_.size());
  kDays.copy(&text_[0], 3, std::size_t{time.weekday} * 3);
  kMonths.copy(&text_[8], 3, (std::size_t{time.month} - 1) * 3);
  const auto two = [&](std::size_t at, unsigned value) {
    text_[at] = digit(value, 10);
    text_[at + 1] = digit(value, 1);
  };
  two(5, time.day);
  two(12, time.year / 100);
  two(14, time.year % 100);
  two(17, time.hour);
  two(20, time.minute);
  two(23, time.second);
}

}  // namespace wsd::protocol
