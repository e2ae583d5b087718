#include "protocol/query.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::protocol {
namespace {

// Returns the encoded value, or "(none)".
std::string found(std::string_view query, std::string_view name) {
  return std::string(find_query_param(query, name).value_or("(none)"));
}

TEST(FindQueryParam, FirstParameterOfTheNameCounts) {
  EXPECT_EQ(found("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(found("a=1&b=2&a=3", "b"), "2");
  EXPECT_EQ(found("a=1&b=2&a=3", "c"), "(none)");
  EXPECT_EQ(found("", "a"), "(none)");
  EXPECT_EQ(found("", ""), "(none)");
}

// WHATWG URL §5.1
TEST(FindQueryParam, EmptyPartsAndMissingEquals) {
  EXPECT_EQ(found("&&a=1&", "a"), "1");
  EXPECT_EQ(found("&&", ""), "(none)");
  EXPECT_EQ(found("a", "a"), "");
  EXPECT_EQ(found("a=", "a"), "");
  EXPECT_EQ(found("a=b=c", "a"), "b=c");
  EXPECT_EQ(found("=x", ""), "x");
  EXPECT_EQ(found("a;b=1", "b"), "(none)");  // a semicolon separates nothing
}

TEST(FindQueryParam, NamesAreComparedDecodedAndWithCase) {
  EXPECT_EQ(found("%61%62=1", "ab"), "1");
  EXPECT_EQ(found("a+b=1", "a b"), "1");
  EXPECT_EQ(found("a%2Bb=1", "a+b"), "1");
  EXPECT_EQ(found("a+b=1", "a+b"), "(none)");
  EXPECT_EQ(found("%zz=1", "%zz"), "1");
  EXPECT_EQ(found("A=1", "a"), "(none)");
  EXPECT_EQ(found("ab=1", "a"), "(none)");
  EXPECT_EQ(found("a=1", "ab"), "(none)");
  EXPECT_EQ(found("%00=1", std::string_view("\0", 1)), "1");
}

TEST(FindQueryParam, ValueIsAViewOfTheQuery) {
  const std::string query = "a=1&b=%32";
  EXPECT_EQ(find_query_param(query, "b")->data(), query.data() + 6);
}

TEST(DecodeQueryText, PlusIsASpaceAndEveryTripletAByte) {
  EXPECT_EQ(decode_query_text("a+b%2B%20%c3%A9"), "a b+ \xC3\xA9");
  EXPECT_EQ(decode_query_text("%00"), std::string(1, '\0'));
  EXPECT_EQ(decode_query_text("%2541"), "%41");  // once only
  EXPECT_EQ(decode_query_text("%%41%4%g1%"), "%A%4%g1%");
  EXPECT_EQ(decode_query_text(""), "");
}

}  // namespace
}  // namespace wsd::protocol
