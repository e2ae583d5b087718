// Converts a number of seconds to calendar date and time in UTC.
#pragma once

#include <cstdint>

namespace wsd {

struct CivilTime {
  unsigned year = 1970;
  unsigned month = 1;    // 1..12
  unsigned day = 1;      // 1..31
  unsigned weekday = 4;  // 0 is Sunday
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
};

// Returns the date and time of a number of seconds since 1970-01-01 00:00 UTC, in the proleptic
// Gregorian calendar.
[[nodiscard]] CivilTime civil_time(std::uint64_t unix_seconds) noexcept;

}  // namespace wsd
