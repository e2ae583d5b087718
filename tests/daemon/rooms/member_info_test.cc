#include "daemon/rooms/member_info.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::daemon {
namespace {

TEST(MemberInfo, User_OverridesTheParameter) {
  EXPECT_EQ(member_info_of("ann", "eve").info, "ann");
  EXPECT_EQ(member_info_of("ann", "\xFF").info, "ann");
}

TEST(MemberInfo, WithoutUser_IsTheParameter) {
  EXPECT_EQ(member_info_of("", "eve").info, "eve");
  EXPECT_EQ(member_info_of("", std::string(256, 'x')).info, std::string(256, 'x'));
  EXPECT_EQ(member_info_of("", "").error, "");
  EXPECT_EQ(member_info_of("", std::nullopt).info, "");
  EXPECT_EQ(member_info_of("", std::nullopt).error, "");
}

TEST(MemberInfo, WrongParameter_IsAnError) {
  EXPECT_EQ(member_info_of("", std::string(257, 'x')).error,
            "the parameter info has 257 bytes, which exceeds the limit: send at most 256");
  EXPECT_EQ(member_info_of("", "a\xC3").error,
            "the parameter info is not valid UTF-8: send percent-encoded UTF-8");
}

}  // namespace
}  // namespace wsd::daemon
