#include "daemon/admin/action_query.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {
namespace {

const std::vector<std::string_view> kAll = {"user", "room", "after", "limit", "code", "reason"};

TEST(ActionQuery, Empty_SelectsAllAndHasDefaults) {
  const ActionQuery query = parse_action_query("", kAll);
  EXPECT_EQ(query.error, "");
  EXPECT_FALSE(query.filter.user || query.filter.room);
  EXPECT_EQ(query.after, 0U);
  EXPECT_EQ(query.limit, 100U);
  EXPECT_EQ(query.code, CloseCode::kPolicyViolation);
  EXPECT_EQ(query.reason, "closed by operator");
}

TEST(ActionQuery, EveryParameter_IsPercentDecoded) {
  const ActionQuery query = parse_action_query(
      "user=ann%20b&room=a%26b%2Fc&after=42&limit=1000&code=4001&reason=h%C3%A9", kAll);
  EXPECT_EQ(query.error, "");
  EXPECT_EQ(query.filter.user, "ann b");
  EXPECT_EQ(query.filter.room, "a&b/c");
  EXPECT_EQ(query.after, 42U);
  EXPECT_EQ(query.limit, 1000U);
  EXPECT_EQ(query.code, CloseCode{4001});
  EXPECT_EQ(query.reason, "h\xc3\xa9");
  EXPECT_EQ(parse_action_query("user=", kAll).filter.user, "") << "no user, not any user";
}

TEST(ActionQuery, Errors_NameValueRuleAndRemedy) {
  const std::string long_reason = "reason=" + std::string(124, 'x');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"limit=0", R"(limit="0" is not a limit: use a whole number from 1 to 1000)"},
      {"limit=1001", R"(limit="1001" is not a limit)"},
      {"after=x", R"(after="x" is not a cursor)"},
      {"code=1005", R"(code="1005" is not a close code that a server may send)"},
      {"code=1010", R"(code="1010" is not a close code that a server may send)"},
      {"code=70000", R"(code="70000" is not a close code)"},
      {"code=", R"(code="" is not a close code)"},
      {long_reason, "reason has 124 bytes; a Close frame holds at most 123"},
      {"reason=%FF", R"(reason="\xff" is not UTF-8)"},
      {"user=%4", R"("user=%4" is not validly percent-encoded)"},
      {"user=a&user=b",
       R"("user" is not expected: the query may contain user, room, after, limit, )"
       R"(code and reason, each once)"},
      {"name=a", R"("name" is not expected)"},
      {"&", R"("" is not expected)"},
  };
  for (const auto& [query, begins] : cases) {
    EXPECT_EQ(parse_action_query(query, kAll).error.substr(0, begins.size()), begins) << query;
  }
  EXPECT_NE(parse_action_query("user=a", {"code", "reason"}).error, "");
}

TEST(ActionQuery, PagesAreAskedForByFilterOrCursor) {
  EXPECT_TRUE(asks_for_page("user="));
  EXPECT_TRUE(asks_for_page("limit=5&room=a"));
  EXPECT_TRUE(asks_for_page("after=0"));
  EXPECT_FALSE(asks_for_page(""));
  EXPECT_FALSE(asks_for_page("sort=queue&limit=10"));
}

}  // namespace
}  // namespace wsd::daemon
