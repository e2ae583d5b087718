#include "daemon/rooms/members_query.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace wsd::daemon {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef";

TEST(MembersPageQuery, WithoutParameters_IsNoPage) {
  const PageQuery query = page_of_query(std::nullopt, std::nullopt);
  EXPECT_FALSE(query.page);
  EXPECT_EQ(query.error, "");
}

TEST(MembersPageQuery, MissingParameter_HasItsDefault) {
  EXPECT_EQ(page_of_query("7", std::nullopt).page->limit, 7U);
  EXPECT_EQ(page_of_query("1000", std::nullopt).page->after, "");
  EXPECT_EQ(page_of_query(std::nullopt, kId).page->limit, 100U);
  EXPECT_EQ(page_of_query(std::nullopt, kId).page->after, kId);
}

TEST(MembersPageQuery, WrongLimit_IsAnError) {
  for (const std::string text : {"", "0", "1001", "-1", "x", "1.5", "18446744073709551617"}) {
    const PageQuery query = page_of_query(text, kId);
    EXPECT_EQ(query.error, "limit=\"" + text +
                               "\" is not a number of members: use a whole number from 1 to 1000");
    EXPECT_FALSE(query.page);
  }
}

TEST(MembersPageQuery, WrongAfter_IsAnError) {
  for (const std::string& text : {std::string(), kId + "0", kId.substr(1), "X" + kId.substr(1)}) {
    const PageQuery query = page_of_query("5", text);
    EXPECT_EQ(query.error,
              "after=\"" + text +
                  "\" is not the id of a member: use \"next\" of the page before this one");
    EXPECT_FALSE(query.page);
  }
}

}  // namespace
}  // namespace wsd::daemon
