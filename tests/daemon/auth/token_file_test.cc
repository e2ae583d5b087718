#include "daemon/auth/token_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace wsd::daemon {
namespace {

constexpr const char* kToken = "0123456789abcdef";

class File {
 public:
  explicit File(const std::string& content) {
    const int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    std::ofstream(path_) << content;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { static_cast<void>(std::remove(path_.c_str())); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] TokenFile read() const { return read_token_file("--some-token-file", path_); }

 private:
  std::string path_ = "/tmp/wsd-token-XXXXXX";
};

TEST(TokenFile, IsReadWithoutTheSpaceAroundIt) {
  EXPECT_EQ(File(kToken).read().token, kToken);
  const TokenFile token = File(std::string("\n ") + kToken + "\r\n").read();
  EXPECT_EQ(token.token, kToken);
  EXPECT_EQ(token.error, "");
}

TEST(TokenFile, InvalidToken_ErrorDoesNotQuoteIt) {
  for (const std::string& content :
       {std::string(), std::string(" \n"), std::string("0123456789abcde"),
        std::string(kToken) + " two", std::string(kToken) + "\x01",
        std::string(kToken) + "\xC3\xA9", std::string(513, 'x'), std::string(5000, 'x'),
        std::string(kToken) + "\n" + kToken}) {
    const TokenFile token = File(content).read();
    EXPECT_EQ(token.token, "");
    EXPECT_NE(token.error.find("--some-token-file"), std::string::npos) << token.error;
    EXPECT_EQ(token.error.find("0123456789abcde"), std::string::npos) << token.error;
  }
  for (const char* path : {"/nonexistent/token", "/"}) {
    const std::string error = read_token_file("--some-token-file", path).error;
    EXPECT_NE(error.find("--some-token-file"), std::string::npos) << error;
  }
}

TEST(PasswordFile, IsReadWithoutItsLineBreak) {
  const auto read = [](const std::string& content) {
    const File file(content);
    ::chmod(file.path().c_str(), 0600);
    return read_password_file("--some-file", file.path());
  };
  EXPECT_EQ(read("pass word \xC3\xA9").token, "pass word \xC3\xA9");
  EXPECT_EQ(read(" a \n").token, " a ");
  EXPECT_EQ(read("a\r\n").token, "a");
  EXPECT_EQ(read("a").warning, "");
  for (const std::string& content : {std::string(), std::string("\n"), std::string("secret\ntwo\n"),
                                     std::string("secret\x01"), std::string(513, 's')}) {
    const TokenFile file = read(content);
    EXPECT_EQ(file.token, "");
    EXPECT_NE(file.error.find("--some-file"), std::string::npos) << file.error;
    EXPECT_EQ(file.error.find("secret"), std::string::npos) << file.error;
  }
  const File open("a");
  ::chmod(open.path().c_str(), 0644);
  EXPECT_EQ(read_password_file("--some-file", open.path()).warning,
            "every user of this machine can read the password in \"" + open.path() +
                "\"; remove that right with chmod o-rwx");
}

TEST(TokenFile, WorldReadableFile_Warns) {
  const File file(kToken);
  ::chmod(file.path().c_str(), 0640);
  EXPECT_EQ(file.read().warning, "");
  ::chmod(file.path().c_str(), 0644);
  EXPECT_EQ(file.read().token, kToken);
  EXPECT_EQ(file.read().warning, "every user of this machine can read the tokens in \"" +
                                     file.path() + "\"; remove that right with chmod o-rwx");
}

}  // namespace
}  // namespace wsd::daemon
