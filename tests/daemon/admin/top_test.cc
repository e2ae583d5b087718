#include "daemon/admin/top.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace wsd::daemon {
namespace {

using Environment = std::map<std::string, std::string>;

TEST(Top, Address_ArgumentEnvironmentDefault) {
  EXPECT_EQ(parse_top_arguments({}, {}).address, "127.0.0.1:9002");
  const Environment environment = {{"WSD_ADMIN", "unix:/a"}, {"WSD_ADMIN_TOKEN_FILE", "/t"}};
  EXPECT_EQ(parse_top_arguments({}, environment).address, "unix:/a");
  EXPECT_EQ(parse_top_arguments({}, environment).token_file, "/t");
  const TopOptions given = parse_top_arguments({"[::1]:7", "--token-file", "/own"}, environment);
  EXPECT_EQ(given.address, "[::1]:7");
  EXPECT_EQ(given.token_file, "/own");
  EXPECT_EQ(given.error, "");
  EXPECT_EQ(parse_top_arguments({"--token-file=/x"}, {}).token_file, "/x");
  EXPECT_TRUE(parse_top_arguments({"--help"}, {}).help);
}

TEST(Top, UnknownArgument_IsRejected) {
  for (const char* argument : {"--listen", "-x", "9002", "--token-file"}) {
    EXPECT_NE(parse_top_arguments({argument}, {}).error, "") << argument;
  }
  EXPECT_NE(parse_top_arguments({"127.0.0.1:1", "127.0.0.1:2"}, {}).error, "");
}

}  // namespace
}  // namespace wsd::daemon
