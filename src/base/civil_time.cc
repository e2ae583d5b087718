#include "base/civil_time.h"

namespace wsd {

// After H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days. Years begin in
// March, so that the leap day comes last, and are grouped in eras of 400 years.
CivilTime civil_time(std::uint64_t unix_seconds) noexcept {
  constexpr std::uint64_t kSecondsPerDay = 86'400;
  constexpr std::uint64_t kDaysPerEra = 146'097;
  constexpr std::uint64_t kDaysToEpoch = 719'468;  // from 0000-03-01
  const std::uint64_t days = unix_seconds / kSecondsPerDay;
  const auto clock = static_cast<unsigned>(unix_seconds % kSecondsPerDay);

  const std::uint64_t shifted = days + kDaysToEpoch;
  const std::uint64_t era = shifted / kDaysPerEra;
  const auto day_of_era = static_cast<unsigned>(shifted % kDaysPerEra);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_from_march = (5 * day_of_year + 2) / 153;

  CivilTime time;
  time.day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  time.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  time.year = static_cast<unsigned>(era * 400 + year_of_era) + (time.month <= 2 ? 1 : 0);
  time.weekday = static_cast<unsigned>((days + 4) % 7);  // 1970-01-01 was a Thursday
  time.hour = clock / 3600;
  time.minute = clock / 60 % 60;
  time.second = clock % 60;
  return time;
}

}  // namespace wsd
