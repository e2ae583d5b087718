#include "daemon/text/units.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {
namespace {

constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kMax32 = std::numeric_limits<std::uint32_t>::max();

TEST(Units, DurationsAreExact) {
  const std::vector<std::pair<std::string_view, std::uint32_t>> cases = {{"1ms", 1},
                                                                         {"250ms", 250},
                                                                         {"10s", 10'000},
                                                                         {"1m", 60'000},
                                                                         {"2h", 7'200'000},
                                                                         {"007s", 7'000},
                                                                         {"1193h", 4294800000},
                                                                         {"4294967295ms", kMax32},
                                                                         {"4294967s", 4294967000}};
  for (const auto& [text, value] : cases) {
    const auto parsed = parse_duration_ms(text, Zero::kRefused);
    EXPECT_EQ(parsed.error, "") << text;
    EXPECT_EQ(parsed.value, value) << text;
  }
}

TEST(Units, TooLargeDuration_IsRejected) {
  for (const std::string_view text :
       {"4294967296ms", "4294968s", "71583m", "1194h", "18446744073709551616ms",
        "18446744073709551615h", "99999999999999999999999s"}) {
    const auto parsed = parse_duration_ms(text, Zero::kRefused);
    EXPECT_NE(parsed.error.find("too large"), std::string::npos) << text << ": " << parsed.error;
    EXPECT_NE(parsed.error.find("1193h"), std::string::npos) << text;
  }
}

TEST(Units, InvalidDuration_IsRejected) {
  for (const std::string_view text :
       {"", "s", "10", "1.5s", "-1s", "+1s", "1 s", " 1s", "1s ", "1S", "1d", "1ms2", "0x10s",
        "ten", "1m30s", "00001", "1\0s"}) {
    EXPECT_FALSE(parse_duration_ms(text, Zero::kOff).ok()) << text;
  }
  EXPECT_EQ(parse_duration_ms("25", Zero::kRefused).error,
            "\"25\" has no unit; write it with ms, s, m or h, such as 250ms or 10s");
}

TEST(Units, ZeroDuration_DependsOnTheSetting) {
  for (const std::string_view text : {"0", "0ms", "0h", "00"}) {
    EXPECT_FALSE(parse_duration_ms(text, Zero::kRefused).ok()) << text;
    EXPECT_TRUE(parse_duration_ms(text, Zero::kOff).ok()) << text;
    EXPECT_TRUE(parse_duration_ms(text, Zero::kImmediate).ok()) << text;
  }
  EXPECT_TRUE(parse_duration_ms("off", Zero::kOff).ok());
  EXPECT_EQ(parse_duration_ms("off", Zero::kOff).value, 0U);
  EXPECT_FALSE(parse_duration_ms("off", Zero::kRefused).ok());
  EXPECT_FALSE(parse_duration_ms("off", Zero::kImmediate).ok());
  EXPECT_EQ(format_duration_ms(0, Zero::kOff), "off");
  EXPECT_EQ(format_duration_ms(0, Zero::kImmediate), "0");
}

TEST(Units, DurationsAreWrittenInTheLargestExactUnit) {
  EXPECT_EQ(format_duration_ms(1, Zero::kOff), "1ms");
  EXPECT_EQ(format_duration_ms(1'500, Zero::kOff), "1500ms");
  EXPECT_EQ(format_duration_ms(90'000, Zero::kOff), "90s");
  EXPECT_EQ(format_duration_ms(120'000, Zero::kOff), "2m");
  EXPECT_EQ(format_duration_ms(7'200'000, Zero::kOff), "2h");
}

TEST(Units, EveryDurationIsReadBackAsWritten) {
  for (std::uint64_t value = 0; value <= kMax32; value = value * 3 / 2 + 1) {
    for (const std::uint64_t near : {value, value * 1'000, value * 60'000}) {
      const auto duration = static_cast<std::uint32_t>(near & kMax32);
      const std::string text = format_duration_ms(duration, Zero::kOff);
      EXPECT_EQ(parse_duration_ms(text, Zero::kOff).value, duration) << text;
    }
  }
}

TEST(Units, SizesAreExact) {
  const std::vector<std::pair<std::string_view, std::uint64_t>> cases = {
      {"0", 0},
      {"4096", 4096},
      {"4096B", 4096},
      {"64KiB", 65'536},
      {"1MiB", 1'048'576},
      {"2GiB", std::uint64_t{2} << 30U},
      {"1TiB", std::uint64_t{1} << 40U},
      {"18446744073709551615", kMax64},
      {"16777215TiB", std::uint64_t{16'777'215} << 40U}};
  for (const auto& [text, value] : cases) {
    const auto parsed = parse_size(text, kMax64);
    EXPECT_EQ(parsed.error, "") << text;
    EXPECT_EQ(parsed.value, value) << text;
  }
}

TEST(Units, TooLargeSize_IsRejected) {
  for (const std::string_view text :
       {"18446744073709551616", "16777216TiB", "99999999999999999GiB"}) {
    EXPECT_NE(parse_size(text, kMax64).error.find("too large"), std::string::npos) << text;
  }
  EXPECT_TRUE(parse_size("4294967295", kMax32).ok());
  EXPECT_FALSE(parse_size("4294967296", kMax32).ok());
  EXPECT_FALSE(parse_size("4GiB", kMax32).ok());
}

TEST(Units, InvalidSize_IsRejected) {
  for (const std::string_view text : {"", "KiB", "1KB", "1K", "1kib", "1.5MiB", "-1", "+1", "1 KiB",
                                      "off", "0x10", "1e6", "1,000", "1_000"}) {
    EXPECT_FALSE(parse_size(text, kMax64).ok()) << text;
  }
  EXPECT_NE(parse_size("1MB", kMax64).error.find("MiB"), std::string::npos);
}

TEST(Units, EverySizeIsReadBackAsWritten) {
  for (unsigned shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t size :
         {std::uint64_t{1} << shift, (std::uint64_t{1} << shift) - 1, kMax64 >> shift}) {
      EXPECT_EQ(parse_size(format_size(size), kMax64).value, size) << format_size(size);
    }
  }
  EXPECT_EQ(format_size(65'536), "64KiB");
  EXPECT_EQ(format_size(65'537), "65537");
}

TEST(Units, FileModesAreOctal) {
  EXPECT_EQ(parse_file_mode("0660").value, 0660U);
  EXPECT_EQ(parse_file_mode("660").value, 0660U);
  EXPECT_EQ(parse_file_mode("0777").value, 0777U);
  EXPECT_EQ(format_file_mode(0660), "0660");
  EXPECT_EQ(format_file_mode(07), "0007");
  for (const std::string_view text :
       {"", "6", "66", "1660", "0888", "06600", "-66", "0x1", " 660", "660 ", "rw-rw-rw-"}) {
    EXPECT_NE(parse_file_mode(text).error.find("octal digits"), std::string::npos) << text;
  }
}

TEST(Units, CountsAreDigitsOnly) {
  EXPECT_EQ(parse_count("0", 10).value, 0U);
  EXPECT_EQ(parse_count("10", 10).value, 10U);
  EXPECT_NE(parse_count("11", 10).error.find("the limit is 10"), std::string::npos);
  EXPECT_FALSE(parse_count("18446744073709551616", kMax64).ok());
  for (const std::string_view text : {"", "-1", "+1", "1.0", "1k", " 1", "1 ", "off", "0x1"}) {
    EXPECT_FALSE(parse_count(text, kMax64).ok()) << text;
  }
}

}  // namespace
}  // namespace wsd::daemon
