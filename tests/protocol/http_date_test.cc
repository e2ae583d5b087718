#include "protocol/http_date.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <string>

namespace wsd::protocol {
namespace {

std::string date(std::uint64_t unix_seconds) { return std::string(HttpDate(unix_seconds).text()); }

// Uses the C library, whose "C" locale has the names that HTTP uses.
std::string library_date(std::uint64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm fields = {};
  gmtime_r(&time, &fields);
  std::array<char, 64> text = {};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &fields);
  return text.data();
}

TEST(HttpDate, Rfc9110_5_6_7_Example) {
  EXPECT_EQ(date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDate, KnownMoments) {
  EXPECT_EQ(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date(951'782'400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(date(0x7FFFFFFF), "Tue, 19 Jan 2038 03:14:07 GMT");
  EXPECT_EQ(date(0x80000000), "Tue, 19 Jan 2038 03:14:08 GMT");
  EXPECT_EQ(date(0xFFFFFFFF), "Sun, 07 Feb 2106 06:28:15 GMT");
  EXPECT_EQ(date(253'402'300'799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(HttpDate, AgreesWithTheCLibrary) {
  constexpr std::uint64_t kEndOf9999 = 253'402'300'800;
  for (std::uint64_t seconds = 0; seconds < kEndOf9999; seconds += 8'640'001 * 3) {
    ASSERT_EQ(date(seconds), library_date(seconds)) << seconds;
  }
}

}  // namespace
}  // namespace wsd::protocol
