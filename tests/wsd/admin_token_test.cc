#include "wsd/admin_token.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace wsd::daemon {
namespace {

constexpr const char* kToken = "0123456789abcdef";

class TokenFile {
 public:
  explicit TokenFile(const std::string& content) {
    const int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    std::ofstream(path_) << content;
  }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;
  ~TokenFile() { static_cast<void>(std::remove(path_.c_str())); }
  [[nodiscard]] AdminToken read() const { return read_admin_token(path_); }

 private:
  std::string path_ = "/tmp/wsd-token-XXXXXX";
};

TEST(AdminToken, IsReadWithoutTheSpaceAroundIt) {
  EXPECT_EQ(TokenFile(kToken).read().text, kToken);
  const AdminToken token = TokenFile(std::string("\n ") + kToken + "\r\n").read();
  EXPECT_EQ(token.text, kToken);
  EXPECT_EQ(token.error, "");
}

TEST(AdminToken, OneThatCannotServeIsRefusedWithoutBeingTold) {
  for (const std::string& content :
       {std::string(), std::string(" \n"), std::string("0123456789abcde"),
        std::string(kToken) + " two", std::string(kToken) + "\x01",
        std::string(kToken) + "\xC3\xA9", std::string(1025, 'x'), std::string(5000, 'x')}) {
    const AdminToken token = TokenFile(content).read();
    EXPECT_EQ(token.text, "");
    EXPECT_NE(token.error, "");
    EXPECT_EQ(token.error.find("0123456789abcde"), std::string::npos) << token.error;
  }
  EXPECT_NE(read_admin_token("/nonexistent/token").error.find("--admin-token-file"),
            std::string::npos);
  EXPECT_NE(read_admin_token("/").error, "") << "a folder is no file";
}

TEST(AdminToken, IsBroughtAsABearer) {
  for (const char* field :
       {"Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER   0123456789abcdef "}) {
    EXPECT_TRUE(brings_token(field, kToken)) << field;
  }
  for (const char* field :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
        "Bearer 0123456789abcdef0", "Basic 0123456789abcdef", "0123456789abcdef",
        "Bearer0123456789abcdef"}) {
    EXPECT_FALSE(brings_token(field, kToken)) << field;
  }
}

}  // namespace
}  // namespace wsd::daemon
