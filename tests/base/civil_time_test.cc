#include "base/civil_time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <ctime>

namespace wsd {
namespace {

constexpr std::uint64_t kDay = 86'400;

void expect_date(std::uint64_t seconds, unsigned year, unsigned month, unsigned day) {
  const CivilTime time = civil_time(seconds);
  EXPECT_EQ(time.year, year) << seconds;
  EXPECT_EQ(time.month, month) << seconds;
  EXPECT_EQ(time.day, day) << seconds;
}

TEST(CivilTime, TheEpochIsAThursday) {
  const CivilTime time = civil_time(0);
  expect_date(0, 1970, 1, 1);
  EXPECT_EQ(time.weekday, 4U);
  EXPECT_EQ(time.hour, 0U);
  EXPECT_EQ(time.minute, 0U);
  EXPECT_EQ(time.second, 0U);
}

TEST(CivilTime, EverySecondOfADay) {
  for (unsigned second = 0; second < kDay; ++second) {
    const CivilTime time = civil_time(20'000 * kDay + second);
    ASSERT_EQ(time.hour * 3600 + time.minute * 60 + time.second, second);
    ASSERT_LT(time.hour, 24U);
    ASSERT_LT(time.minute, 60U);
    ASSERT_LT(time.second, 60U);
  }
}

TEST(CivilTime, EveryDayOfAnEraAgreesWithTheStandardLibrary) {
  constexpr int kDaysIn400Years = 146'097;
  for (int day = 0; day <= kDaysIn400Years + 366; ++day) {
    const std::chrono::sys_days date{std::chrono::days{day}};
    const std::chrono::year_month_day expected{date};
    const CivilTime time = civil_time(static_cast<std::uint64_t>(day) * kDay + kDay - 1);
    ASSERT_EQ(static_cast<int>(time.year), static_cast<int>(expected.year())) << day;
    ASSERT_EQ(time.month, static_cast<unsigned>(expected.month())) << day;
    ASSERT_EQ(time.day, static_cast<unsigned>(expected.day())) << day;
    ASSERT_EQ(time.weekday, std::chrono::weekday{date}.c_encoding()) << day;
  }
}

TEST(CivilTime, FarYearsAgreeWithTheCLibrary) {
  for (std::uint64_t seconds = 0; seconds < 300'000'000'000; seconds += 99'999'989) {
    const auto count = static_cast<std::time_t>(seconds);
    std::tm expected = {};
    gmtime_r(&count, &expected);
    const CivilTime time = civil_time(seconds);
    ASSERT_EQ(static_cast<int>(time.year), expected.tm_year + 1900) << seconds;
    ASSERT_EQ(static_cast<int>(time.month), expected.tm_mon + 1) << seconds;
    ASSERT_EQ(static_cast<int>(time.day), expected.tm_mday) << seconds;
    ASSERT_EQ(static_cast<int>(time.weekday), expected.tm_wday) << seconds;
    ASSERT_EQ(static_cast<int>(time.hour), expected.tm_hour) << seconds;
    ASSERT_EQ(static_cast<int>(time.minute), expected.tm_min) << seconds;
    ASSERT_EQ(static_cast<int>(time.second), expected.tm_sec) << seconds;
  }
}

TEST(CivilTime, LeapYears) {
  expect_date(951'782'400, 2000, 2, 29);    // divisible by 400
  expect_date(4'107'456'000, 2100, 2, 28);  // divisible by 100 only
  expect_date(4'107'456'000 + kDay, 2100, 3, 1);
  expect_date(1'709'164'800, 2024, 2, 29);
}

}  // namespace
}  // namespace wsd
