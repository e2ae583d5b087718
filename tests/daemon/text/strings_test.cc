#include "daemon/text/strings.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {
namespace {

TEST(Strings, QuotedText_IsSafeForATerminal) {
  EXPECT_EQ(quote("plain"), "\"plain\"");
  EXPECT_EQ(quote("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(quote("\x1b[2J\n\x7f\xc3\xa4"), "\"\\x1b[2J\\x0a\\x7f\\xc3\\xa4\"");
  EXPECT_EQ(quote(std::string_view("\0", 1)), "\"\\x00\"");
  EXPECT_EQ(quote(std::string(80, 'x')), '"' + std::string(80, 'x') + '"');
  EXPECT_EQ(quote(std::string(81, 'x')), '"' + std::string(80, 'x') + "...\"");
}

TEST(Strings, TrimmedTakesSpacesAndTabsFromTheEnds) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Strings, LowerCase_ChangesOnlyAsciiLetters) {
  EXPECT_EQ(lower_case("AZaz@[`{09\xc3\x84"), "azaz@[`{09\xc3\x84");
  EXPECT_EQ(lower_case(""), "");
}

TEST(Strings, SplitKeepsEmptyPieces) {
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), std::vector<std::string_view>{""});
}

TEST(Strings, ClosestMatch_FindsMisspelledWord) {
  const std::vector<std::string_view> names = {"ping-interval", "pong-timeout", "listen", "help"};
  EXPECT_EQ(closest_match("ping-intervall", names), "ping-interval");
  EXPECT_EQ(closest_match("pong-timout", names), "pong-timeout");
  EXPECT_EQ(closest_match("lisetn", names), "listen");
  EXPECT_EQ(closest_match("hlp", names), "help");
  EXPECT_EQ(closest_match("listen", names), "listen");
}

TEST(Strings, ClosestMatch_FindsPrefix) {
  const std::vector<std::string_view> names = {"ping-interval", "pong-timeout"};
  EXPECT_EQ(closest_match("pong", names), "pong-timeout");
  EXPECT_EQ(closest_match("p", names), "");
}

TEST(Strings, ClosestMatch_IsEmptyIfNothingIsClose) {
  EXPECT_EQ(closest_match("zebra", {"ping-interval", "help"}), "");
  EXPECT_EQ(closest_match("", {"help"}), "");
  EXPECT_EQ(closest_match(std::string(100'000, 'x'), {"help"}), "");
  EXPECT_EQ(closest_match("help", {}), "");
}

}  // namespace
}  // namespace wsd::daemon
