#include "daemon/config/admin_options.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

TEST(AdminOptions, LoopbackAndUnixSocketsAreLocal) {
  for (const char* address : {"127.0.0.1:9002", "127.255.0.9:1", "[::1]:9002", "localhost:9002",
                              "unix:/run/wsd-admin.sock"}) {
    EXPECT_TRUE(is_local_address(address)) << address;
  }
  for (const char* address : {":9002", "0.0.0.0:9002", "[::]:9002", "10.0.0.1:9002", "128.0.0.1:1",
                              "[fe80::1]:9002", "admin.example.com:9002", "127.0.0.1.example.com:1",
                              "localhost.example.com:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_FALSE(is_local_address(address)) << address;
  }
}

TEST(AdminOptions, RemoteAddress_NeedsToken) {
  EXPECT_EQ(admin_options_error({}), "");
  EXPECT_EQ(admin_options_error({"", "/token"}), "");
  EXPECT_EQ(admin_options_error({"127.0.0.1:0", ""}), "");
  EXPECT_EQ(admin_options_error({"127.0.0.1:0", "/token"}), "");
  EXPECT_EQ(admin_options_error({"0.0.0.0:9002", "/token"}), "");
  const std::string error = admin_options_error({"0.0.0.0:9002", ""});
  EXPECT_NE(error.find("--admin 0.0.0.0:9002"), std::string::npos) << error;
  EXPECT_NE(error.find("--admin-token-file"), std::string::npos) << error;
}

}  // namespace
}  // namespace wsd::daemon
