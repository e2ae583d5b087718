#include "wsd/room_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd {
namespace {

TEST(RoomPattern, FitsTheWholeName) {
  struct Row {
    const char* pattern;
    const char* room;
    bool fits;
  };
  const Row rows[] = {
      {"news", "news", true},  {"news", "new", false},  {"news", "newss", false},
      {"news", "News", false}, {"*", "", true},         {"*", "anything/at all", true},
      {"a*", "a", true},       {"a*", "ab", true},      {"a*", "ba", false},
      {"*a", "a", true},       {"*a", "ba", true},      {"*a", "ab", false},
      {"a*b", "ab", true},     {"a*b", "a-b-b", true},  {"a*b", "a-b-c", false},
      {"a*b*c", "abbc", true}, {"a*b*c", "acb", false}, {"**", "x", true},
      {"*a*a*", "aa", true},   {"*a*a*", "a", false},   {"*aab", "aaab", true},
      {"a?c", "abc", false},   {"[a]", "a", false},     {"a\\*", "a*", false},
      {"a", "a*", false},      {"a*a", "a", false},     {"*.*.x", "..x", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(room_fits(row.pattern, row.room), row.fits) << row.pattern << " " << row.room;
  }
  // A matcher that backtracks at each star would need exponential time for this.
  std::string stars;
  for (int i = 0; i < 64; ++i) stars += "a*";
  EXPECT_FALSE(room_fits(stars + "b", std::string(128, 'a')));
}

}  // namespace
}  // namespace wsd
