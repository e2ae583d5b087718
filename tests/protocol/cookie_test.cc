#include "protocol/cookie.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {
namespace {

// Returns the value, or "(none)".
std::string found(std::string_view field, std::string_view name) {
  return std::string(find_cookie(field, name).value_or("(none)"));
}

TEST(FindCookie, PairsOfTheRfc) {
  // RFC 6265 §3.1
  EXPECT_EQ(found("SID=31d4d96e407aad42; lang=en-US", "SID"), "31d4d96e407aad42");
  EXPECT_EQ(found("SID=31d4d96e407aad42; lang=en-US", "lang"), "en-US");
  EXPECT_EQ(found("SID=31d4d96e407aad42; lang=en-US", "lan"), "(none)");
  EXPECT_EQ(found("SID=31d4d96e407aad42; lang=en-US", "sid"), "(none)");
  EXPECT_EQ(found("", "SID"), "(none)");
}

TEST(FindCookie, SeparatorMayLackItsSpaceOrHaveMore) {
  EXPECT_EQ(found("a=1;b=2", "b"), "2");
  EXPECT_EQ(found("a=1;  \tb=2\t;", "b"), "2");
  EXPECT_EQ(found(";;b=2;", "b"), "2");
}

TEST(FindCookie, FirstPairOfANameCounts) { EXPECT_EQ(found("a=1; a=2", "a"), "1"); }

TEST(FindCookie, ValueIsAsReceived) {
  EXPECT_EQ(found("a=", "a"), "");
  EXPECT_EQ(found("a=b=c==", "a"), "b=c==");
  EXPECT_EQ(found("a=%20+", "a"), "%20+");
  EXPECT_EQ(found("a=\"b\"", "a"), "\"b\"");
  EXPECT_EQ(found("a=\"\"", "a"), "\"\"");
}

TEST(FindCookie, ValueThatBreaksTheGrammar_IsSkipped) {
  for (const std::string bad :
       {"\"", "\"b", "b\"", "b c", "b,c", "b\\c", "\"b\"c\"", "\x01", "\x7f", "\x80", "b\tc"}) {
    EXPECT_EQ(found("a=" + bad, "a"), "(none)") << bad;
    EXPECT_EQ(found("a=" + bad + "; a=good", "a"), "good") << bad;
  }
}

TEST(FindCookie, PairWithoutEquals_IsNoCookie) {
  EXPECT_EQ(found("a", "a"), "(none)");
  EXPECT_EQ(found("a; a=1", "a"), "1");
  EXPECT_EQ(found("=1", ""), "(none)");
}

TEST(FindCookie, NameThatIsNotAToken_IsNeverFound) {
  EXPECT_EQ(found("a b=1", "a b"), "(none)");
  EXPECT_EQ(found("a =1", "a "), "(none)");
  EXPECT_EQ(found("a =1", "a"), "(none)");
  EXPECT_EQ(found("b; c=1", "b; c"), "(none)");
}

TEST(FindCookie, ValueIsAViewOfTheField) {
  const std::string field = "a=1; b=22";
  EXPECT_EQ(find_cookie(field, "b")->data(), field.data() + 7);
}

}  // namespace
}  // namespace wsd::protocol
