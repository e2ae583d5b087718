#include "daemon/auth/publish_access.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::daemon {
namespace {

const std::string kToken = "0123456789abcdef";
constexpr const char* kFar = "192.0.2.1:4711";

int status(const PublishAccess& access, std::string_view authorization, std::string_view remote,
           bool relayed = false) {
  return access.judge(authorization, remote, relayed).status;
}

TEST(PublishAccess, WithoutModeAndToken_IsClosed) {
  EXPECT_FALSE(PublishAccess(PublishMode::kOff, "").open());
  EXPECT_TRUE(PublishAccess(PublishMode::kLoopback, "").open());
  EXPECT_TRUE(PublishAccess(PublishMode::kToken, kToken).open());
  EXPECT_TRUE(PublishAccess(PublishMode::kOff, kToken).open());
}

TEST(PublishAccess, Loopback_AllowsOnlyThisMachine) {
  const PublishAccess access(PublishMode::kLoopback, "");
  for (const char* remote :
       {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix"}) {
    EXPECT_EQ(status(access, "", remote), 200) << remote;
    EXPECT_EQ(status(access, "", remote, true), 403) << remote;
  }
  for (const char* remote :
       {kFar, "[2001:db8::1]:1", "[::1:2]:1", "[::ffff:192.0.2.1]:1", "1270.0.0.1:1", ""}) {
    EXPECT_EQ(status(access, "", remote), 403) << remote;
    EXPECT_EQ(status(access, "Bearer ", remote), 403) << remote;
  }
}

TEST(PublishAccess, Token_AllowsOnlyItsHolder) {
  const PublishAccess access(PublishMode::kToken, kToken);
  EXPECT_EQ(status(access, "Bearer " + kToken, kFar), 200);
  EXPECT_EQ(status(access, "bearer  " + kToken, kFar), 200);  // RFC 9110 §11.1, §11.4
  EXPECT_EQ(status(access, "Bearer " + kToken, kFar, true), 200);
  EXPECT_EQ(status(access, "", kFar), 401);
  EXPECT_EQ(status(access, "", "127.0.0.1:1"), 401);
  const std::vector<std::string> all = {std::string("Bearer"),
                                        std::string("Bearer "),
                                        "Basic " + kToken,
                                        kToken,
                                        "Bearer " + kToken + "0",
                                        "Bearer " + kToken.substr(1),
                                        "Bearer " + kToken + kToken,
                                        "Bearer 0123456789abcdeF",
                                        "Bearer \x01" + kToken,
                                        "Bearer " + kToken + "\x7f",
                                        "Bearer " + kToken + std::string(1, '\0')};
  for (const std::string& wrong : all) {
    EXPECT_EQ(status(access, wrong, kFar), 403) << wrong;
  }
}

TEST(PublishAccess, LoopbackWithToken_AllowsEither) {
  const PublishAccess access(PublishMode::kLoopback, kToken);
  EXPECT_EQ(status(access, "", "127.0.0.1:1"), 200);
  EXPECT_EQ(status(access, "", "127.0.0.1:1", true), 401);
  EXPECT_EQ(status(access, "Bearer " + kToken, "127.0.0.1:1", true), 200);
  EXPECT_EQ(status(access, "Bearer " + kToken, kFar), 200);
  EXPECT_EQ(status(access, "", kFar), 401);
}

}  // namespace
}  // namespace wsd::daemon
