#include "base/in_quotes.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd {
namespace {

TEST(InQuotes, PlainText_IsInQuotes) {
  EXPECT_EQ(in_quotes(""), "''");
  EXPECT_EQ(in_quotes("a room/1 ~"), "'a room/1 ~'");
}

TEST(InQuotes, OtherBytes_AreWrittenAsNumbers) {
  EXPECT_EQ(in_quotes(std::string("a\0\n\x7f\xc3'\\", 7)), R"('a\x00\x0a\x7f\xc3\x27\x5c')");
}

TEST(InQuotes, LongText_IsCut) {
  EXPECT_EQ(in_quotes(std::string(64, 'x')), "'" + std::string(64, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(65, 'x')), "'" + std::string(64, 'x') + "...'");
}

}  // namespace
}  // namespace wsd
