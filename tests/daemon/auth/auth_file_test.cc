#include "daemon/auth/auth_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace wsd::daemon {
namespace {

const std::string kToken = "s3cret-s3cret-s3cret";
const std::string kOther = "another-s3cret-0123";

std::string error_of(const std::string& text) {
  const AuthFile file = parse_auth_file("users", text);
  EXPECT_EQ(file.users == nullptr, !file.error.empty());
  EXPECT_EQ(file.error.find("s3cret"), std::string::npos) << file.error;
  return file.error;
}

TEST(AuthFile, ParsesOneUserPerLine) {
  const AuthFile file =
      parse_auth_file("users",
                      "# who gets in\n"
                      "\n" +
                          kToken + " ann read=news,chat-* write=chat-*\r\n" + "\t" + kOther +
                          "\tb\xc3\xb6rn  write=* # a comment\n" + "aaaaaaaaaaaaaaa# ann");
  ASSERT_EQ(file.error, "");
  EXPECT_TRUE(file.warnings.empty());
  ASSERT_EQ(file.users->size(), 3U);
  const User* ann = file.users->find(kToken);
  ASSERT_NE(ann, nullptr);
  EXPECT_EQ(ann->name, "ann");
  EXPECT_TRUE(ann->may_read("news"));
  EXPECT_TRUE(ann->may_read("chat-1"));
  EXPECT_FALSE(ann->may_read("chat"));
  EXPECT_FALSE(ann->may_write("news"));
  EXPECT_TRUE(ann->may_write("chat-"));
  const User* bjorn = file.users->find(kOther);
  ASSERT_NE(bjorn, nullptr);
  EXPECT_EQ(bjorn->name, "b\xc3\xb6rn");
  EXPECT_FALSE(bjorn->may_read("news")) << "a right that is not written is not given";
  EXPECT_TRUE(bjorn->may_write("anything"));
  EXPECT_NE(file.users->find("aaaaaaaaaaaaaaa#"), nullptr);
  EXPECT_EQ(file.users->find(kToken + "x"), nullptr);
  EXPECT_EQ(file.users->find(""), nullptr);
}

TEST(AuthFile, EmptyFile_RejectsEveryoneAndWarns) {
  for (const char* text : {"", "\n", "# nobody\n\n", "\xef\xbb\xbf"}) {
    const AuthFile file = parse_auth_file("users", text);
    ASSERT_NE(file.users, nullptr);
    EXPECT_EQ(file.users->size(), 0U);
    EXPECT_EQ(file.users->find(""), nullptr);
    ASSERT_EQ(file.warnings.size(), 1U);
    EXPECT_EQ(file.warnings[0], "users has no users, so wsd rejects every client");
  }
}

TEST(AuthFile, Error_NamesLineButNotToken) {
  EXPECT_EQ(error_of("# a\nshort ann"),
            "users:2: the token has 5 characters; it must have 16 to 512");
  EXPECT_EQ(error_of(std::string(513, 'x') + " ann"),
            "users:1: the token has 513 characters; it must have 16 to 512");
  EXPECT_EQ(error_of("s3cret-s3cret-s3cret\xc3\xa4 ann"),
            "users:1: the token contains a character that is not visible ASCII");
  EXPECT_EQ(error_of(kToken),
            "users:1: the user is missing after the token; write TOKEN USER read=PATTERN");
  EXPECT_EQ(error_of(kToken + " # ann"),
            "users:1: the user is missing after the token; write TOKEN USER read=PATTERN");
  EXPECT_EQ(error_of(kToken + " read=*"),
            "users:1: the user is missing between the token and its rights; write TOKEN USER "
            "read=PATTERN");
  EXPECT_EQ(
      error_of(kToken + " " + std::string(129, 'u')),
      "users:1: the user name is not valid; write 1 to 128 bytes of UTF-8 without control bytes");
  EXPECT_EQ(
      error_of(kToken + " ann\xff"),
      "users:1: the user name is not valid; write 1 to 128 bytes of UTF-8 without control bytes");
}

TEST(AuthFile, ControlBytesAreRefused) {
  for (const std::string& line :
       {kToken + "\x01 ann", kToken + std::string("\0 ann", 5), kToken + " a\x1bnn",
        kToken + " ann read=\x7f", kToken + "\v ann", std::string("# only\ra comment")}) {
    EXPECT_EQ(error_of(line + "\n"), "users:1: the line contains a control byte; remove it");
  }
}

TEST(AuthFile, DuplicateToken_IsRejected) {
  EXPECT_EQ(error_of(kToken + " ann\n# between\n" + kToken + " bob\n"),
            "users:3: the token is already used on line 1; give each user a different one");
  EXPECT_EQ(error_of(kToken + " ann\n" + kToken + "2 ann\n"), "") << "two tokens of one user";
}

TEST(AuthFile, UnknownOrDuplicateKey_IsRejected) {
  const std::string user = kToken + " ann ";
  EXPECT_EQ(error_of(user + "wite=*"),
            "users:1: there is a field that is neither read=PATTERN nor write=PATTERN; did you "
            "mean write=?");
  EXPECT_EQ(error_of(user + "admin=yes"),
            "users:1: there is a field that is neither read=PATTERN nor write=PATTERN");
  for (const char* field : {"READ=*", "read", "read =*", "=*", "readwrite=*", "*", "write"}) {
    EXPECT_NE(error_of(user + field), "") << field;
  }
  // With swapped columns the token must not get into the log.
  EXPECT_NE(error_of("annannannannannann bob " + kToken + "=="), "");
  EXPECT_EQ(error_of(user + "read=a write=b read=c"),
            "users:1: read= is set twice; write all patterns in one list, separated by commas");
  EXPECT_EQ(error_of(user + "write= write=*"),
            "users:1: write= has an empty pattern; write write=news,chat-*");
}

TEST(AuthFile, BadPatternsAreRefused) {
  const std::string user = kToken + " ann ";
  for (const char* field : {"read=", "read=,", "read=a,", "read=,a", "read=a,,b"}) {
    EXPECT_EQ(error_of(user + field), "users:1: read= has an empty pattern; write read=news,chat-*")
        << field;
  }
  EXPECT_EQ(error_of(user + "write=a\xff"),
            "users:1: write= has the pattern \"a\\xff\", which matches no room; write 1 to 128 "
            "bytes of UTF-8 without control bytes");
  EXPECT_NE(error_of(user + "read=" + std::string(129, 'a')), "");
  EXPECT_EQ(error_of(user + "read=" + std::string(128, '*')), "");
  std::string many = "a";
  for (int i = 1; i < 256; ++i) many += ",a";
  EXPECT_EQ(error_of(user + "read=" + many), "");
  EXPECT_EQ(error_of(user + "read=" + many + ",a"),
            "users:1: read= has 257 patterns; use fewer, the limit is 256");
}

TEST(AuthFile, ThereAreAtMostTenThousandUsers) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += std::to_string(1'000'000 + i) + "-0123456789 u\n";
  EXPECT_EQ(error_of(text), "");
  EXPECT_EQ(error_of(text + kToken + " one-more\n"),
            "users:10001: there are too many users; the limit is 10000");
}

TEST(AuthFile, Successors_AreTheUsersWithTheSameTokens) {
  const std::string other = "fedcba9876543210-longer";
  const AuthFile before = parse_auth_file("users", kToken + " ann\n" + other + " bob\n");
  const AuthFile after = parse_auth_file("users", "0000000000000000 eve\n" + kToken + " eve\n");
  const std::vector<const User*> found = before.users->successors(*after.users);
  ASSERT_EQ(found.size(), 2U);
  const std::size_t ann = before.users->position(*before.users->find(kToken));
  EXPECT_EQ(found[ann], after.users->find(kToken));
  EXPECT_EQ(found[1 - ann], nullptr);
}

class AuthFileOnDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "wsd-auth-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& text, mode_t mode) {
    const std::string path = directory_ + "/users";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::string directory_;
};

TEST_F(AuthFileOnDisk, WorldReadableFile_Warns) {
  const AuthFile closed = load_auth_file(write(kToken + " ann\n", 0640));
  ASSERT_EQ(closed.error, "");
  EXPECT_TRUE(closed.warnings.empty());
  const std::string path = write(kToken + " ann\n", 0644);
  const AuthFile open = load_auth_file(path);
  ASSERT_EQ(open.error, "");
  ASSERT_EQ(open.warnings.size(), 1U);
  EXPECT_EQ(open.warnings[0], "every user of this machine can read the tokens in \"" + path +
                                  "\"; remove that right with chmod o-rwx");
}

TEST_F(AuthFileOnDisk, UnreadableFile_IsAnError) {
  EXPECT_NE(load_auth_file(directory_ + "/none").error.find("none\": No such file"),
            std::string::npos);
  EXPECT_NE(load_auth_file(directory_).error.find("it is not a regular file"), std::string::npos);
  const std::string fifo = directory_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(load_auth_file(fifo).error.find("it is not a regular file"), std::string::npos);
  const std::string path = write(std::string((8 << 20) + 1, '#'), 0600);
  EXPECT_NE(load_auth_file(path).error.find("it exceeds the limit of 8MiB"), std::string::npos);
  EXPECT_EQ(load_auth_file(write("short ann\n", 0600)).error,
            path + ":1: the token has 5 characters; it must have 16 to 512");
}

}  // namespace
}  // namespace wsd::daemon
