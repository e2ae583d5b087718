#include "protocol/field_name.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

const std::vector<std::pair<std::string, FieldName>> kNames = {
    {"Host", FieldName::kHost},
    {"Origin", FieldName::kOrigin},
    {"Expect", FieldName::kExpect},
    {"Upgrade", FieldName::kUpgrade},
    {"Connection", FieldName::kConnection},
    {"Content-Length", FieldName::kContentLength},
    {"Transfer-Encoding", FieldName::kTransferEncoding},
    {"Sec-WebSocket-Key", FieldName::kSecWebSocketKey},
    {"Sec-WebSocket-Version", FieldName::kSecWebSocketVersion},
    {"Sec-WebSocket-Protocol", FieldName::kSecWebSocketProtocol},
    {"Sec-WebSocket-Extensions", FieldName::kSecWebSocketExtensions},
};

TEST(FieldName, KnownNamesInAnyCase) {
  EXPECT_EQ(kNames.size() + 1, kFieldNames);
  for (const auto& [name, field] : kNames) {
    std::string upper;
    std::string lower;
    for (const char c : name) {
      lower += to_lower(c);
      upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    EXPECT_EQ(field_name_of(name), field) << name;
    EXPECT_EQ(field_name_of(lower), field) << name;
    EXPECT_EQ(field_name_of(upper), field) << name;
  }
}

TEST(FieldName, AnyOtherByteIsAnotherName) {
  for (const auto& [name, field] : kNames) {
    EXPECT_EQ(field_name_of(name + "s"), FieldName::kOther);
    EXPECT_EQ(field_name_of(name.substr(1)), FieldName::kOther);
    for (std::size_t at = 0; at < name.size(); ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string other = name;
        other[at] = static_cast<char>(c);
        const bool same = to_lower(other[at]) == to_lower(name[at]);
        EXPECT_EQ(field_name_of(other), same ? field : FieldName::kOther) << other;
      }
    }
  }
  EXPECT_EQ(field_name_of(""), FieldName::kOther);
}

// Every pair of bytes, at every place in texts of lengths around the word's.
TEST(EqualsIgnoreCase, IsEqualByEqualBytesInLowerCase) {
  for (const std::size_t size : {1U, 3U, 4U, 5U, 7U, 8U, 9U, 15U, 16U, 17U}) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string a(size, 'x');
      std::string b(size, 'X');
      for (int x = 0; x < 256; ++x) {
        for (int y = 0; y < 256; ++y) {
          a[at] = static_cast<char>(x);
          b[at] = static_cast<char>(y);
          ASSERT_EQ(equals_ignore_case(a, b), to_lower(a[at]) == to_lower(b[at]))
              << size << " bytes, at " << at << ": " << x << " and " << y;
        }
      }
    }
  }
  EXPECT_TRUE(equals_ignore_case("", ""));
  EXPECT_FALSE(equals_ignore_case("", "a"));
  EXPECT_FALSE(equals_ignore_case("ab", "abc"));
}

}  // namespace
}  // namespace wsd::protocol
