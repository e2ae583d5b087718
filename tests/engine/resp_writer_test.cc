#include "engine/resp_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace wsd::engine {
namespace {

TEST(RespWriter, Command_IsAnArrayOfBulkStrings) {
  std::string out = "before";
  append_command(out, {"SET", "", std::string_view("a\r\nb\0", 5)});
  EXPECT_EQ(out, std::string("before*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\r\nb\0\r\n", 36));
}

TEST(RespWriter, ManyCommands_FollowEachOther) {
  std::string out;
  std::string expected;
  for (int i = 0; i < 1'000; ++i) {
    const std::string word(static_cast<std::size_t>(i), 'x');
    append_command(out, {word});
    expected += "*1\r\n$" + std::to_string(i) + "\r\n" + word + "\r\n";
  }
  EXPECT_EQ(out, expected);
}

TEST(RespWriter, Decimal_HasAllDigits) {
  EXPECT_EQ(std::string_view(Decimal(0)), "0");
  EXPECT_EQ(std::string_view(Decimal(9)), "9");
  EXPECT_EQ(std::string_view(Decimal(10)), "10");
  EXPECT_EQ(std::string_view(Decimal(std::numeric_limits<std::uint64_t>::max())),
            "18446744073709551615");
}

}  // namespace
}  // namespace wsd::engine
