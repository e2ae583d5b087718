#include "daemon/text/words.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {
namespace {

TEST(Words, QuotedTextIsFitForATerminal) {
  EXPECT_EQ(in_quotes("plain"), "\"plain\"");
  EXPECT_EQ(in_quotes("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(in_quotes("\x1b[2J\n\x7f\xc3\xa4"), "\"\\x1b[2J\\x0a\\x7f\\xc3\\xa4\"");
  EXPECT_EQ(in_quotes(std::string_view("\0", 1)), "\"\\x00\"");
  EXPECT_EQ(in_quotes(std::string(80, 'x')), '"' + std::string(80, 'x') + '"');
  EXPECT_EQ(in_quotes(std::string(81, 'x')), '"' + std::string(80, 'x') + "...\"");
}

TEST(Words, TrimmedTakesSpacesAndTabsFromTheEnds) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Words, SplitKeepsEmptyPieces) {
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), std::vector<std::string_view>{""});
}

TEST(Words, NearestIsTheOneMeant) {
  const std::vector<std::string_view> names = {"ping-interval", "pong-timeout", "listen", "help"};
  EXPECT_EQ(nearest("ping-intervall", names), "ping-interval");
  EXPECT_EQ(nearest("pong-timout", names), "pong-timeout");
  EXPECT_EQ(nearest("lisetn", names), "listen");
  EXPECT_EQ(nearest("hlp", names), "help");
  EXPECT_EQ(nearest("listen", names), "listen");
}

TEST(Words, NearestTakesABeginning) {
  const std::vector<std::string_view> names = {"ping-interval", "pong-timeout"};
  EXPECT_EQ(nearest("pong", names), "pong-timeout");
  EXPECT_EQ(nearest("p", names), "");
}

TEST(Words, NearestIsSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest("zebra", {"ping-interval", "help"}), "");
  EXPECT_EQ(nearest("", {"help"}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), {"help"}), "");
  EXPECT_EQ(nearest("help", {}), "");
}

}  // namespace
}  // namespace wsd::daemon
