#include "daemon/text/timestamp.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace wsd::daemon {

std::string timestamp(std::uint64_t unix_ms) {
  using std::chrono::days;
  constexpr std::uint64_t kDay = 86'400'000;
  constexpr std::uint64_t kMost = 253'402'300'799'999;  // the end of the year 9999
  const std::uint64_t ms = std::min(unix_ms, kMost);
  const std::chrono::year_month_day date(
      std::chrono::sys_days(days(static_cast<days::rep>(ms / kDay))));
  const auto of_day = static_cast<unsigned>(ms % kDay);
  std::array<char, 32> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ",
                                  static_cast<int>(date.year()),
                                  static_cast<unsigned>(date.month()),
                                  static_cast<unsigned>(date.day()), of_day / 3'600'000,
                                  of_day / 60'000 % 60, of_day / 1'000 % 60, of_day % 1'000));
  return text.data();
}

}  // namespace wsd::daemon
