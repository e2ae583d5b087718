#include "daemon/config/config_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {
namespace {

std::string error_of(std::string_view text) { return parse_config("f", text).error; }

TEST(ConfigFile, ReadsSettingsWithTheirLines) {
  const Config config = parse_config("f",
                                     "# a comment = not a setting\n"
                                     "\n"
                                     "  ping-interval=25s\n"
                                     "\tlisten =  :1 \t# why\r\n"
                                     "listen = unix:/run/a#b\n"
                                     "   # indented\n"
                                     "subprotocol = #chat");
  ASSERT_EQ(config.error, "");
  ASSERT_EQ(config.entries.size(), 4U);
  EXPECT_EQ(config.entries[0].flag, find_flag("ping-interval"));
  EXPECT_EQ(config.entries[0].value, "25s");
  EXPECT_EQ(config.entries[0].line, 3U);
  EXPECT_EQ(config.entries[1].value, ":1");
  EXPECT_EQ(config.entries[1].line, 4U);
  EXPECT_EQ(config.entries[2].value, "unix:/run/a#b");
  EXPECT_EQ(config.entries[3].value, "#chat");
  EXPECT_EQ(config.entries[3].line, 7U);
}

TEST(ConfigFile, AnEmptyFileIsValid) {
  for (const std::string_view text : {"", "\n", "\r\n\r\n", "# only\n", "\xef\xbb\xbf# marked\n"}) {
    const Config config = parse_config("f", text);
    EXPECT_EQ(config.error, "");
    EXPECT_TRUE(config.entries.empty());
  }
}

TEST(ConfigFile, UnknownKeysAreRefusedWithTheirLineAndTheNearest) {
  EXPECT_EQ(error_of("reactors = 1\n\nping-intervall = 1s\n"),
            "f:3: \"ping-intervall\" is not a setting; did you mean \"ping-interval\"?");
  EXPECT_EQ(error_of("PING = 1"), "f:1: \"PING\" is not a setting; wsd --help lists the settings");
}

TEST(ConfigFile, KeysInAnotherSpellingAreRefusedWithTheRightOne) {
  for (const std::string_view line : {"ping_interval = 1s", "--ping-interval = 1s"}) {
    EXPECT_NE(error_of(line).find("did you mean \"ping-interval\"?"), std::string::npos) << line;
  }
}

TEST(ConfigFile, FlagsOfTheCommandLineAreRefused) {
  for (const std::string name : {"config", "help", "version", "check-config"}) {
    EXPECT_EQ(error_of(name + " = x"),
              "f:1: \"" + name + "\" can be set only on the command line; remove this line");
  }
}

TEST(ConfigFile, DuplicateKey_ErrorNamesBothLines) {
  EXPECT_EQ(error_of("reactors = 1\nlisten = :1\nlisten = :2\nreactors = 1"),
            "f:4: \"reactors\" is already set on line 1; keep one of the two lines");
}

TEST(ConfigFile, BrokenLinesAreRefused) {
  EXPECT_EQ(error_of("\nreactors 1"),
            "f:2: \"reactors 1\" is not a setting; write key = value, or # before a comment");
  EXPECT_EQ(error_of("= 1"), "f:1: there is no key before \"=\"; write key = value");
  EXPECT_EQ(error_of("reactors ="),
            "f:1: \"reactors\" has no value; write one, or remove the line to use the default");
  EXPECT_EQ(error_of("reactors = \x1b[1m"),
            "f:1: the line contains a control byte; remove it: \"reactors = \\x1b[1m\"");
  EXPECT_NE(error_of(std::string_view("a\0b = 1", 7)), "");
  EXPECT_NE(error_of("[section]"), "");
}

TEST(ConfigFile, ValuesAreNotJudgedHere) { EXPECT_EQ(error_of("ping-interval = soon"), ""); }

TEST(ConfigFile, RenderedConfig_HasEverySetting) {
  const Config config = parse_config("f", render_config(DaemonOptions{}));
  ASSERT_EQ(config.error, "");
  std::size_t expected = 0;
  for (const Flag& flag : flag_table()) {
    if (flag.kind == FlagKind::kSetting) expected += flag.get(DaemonOptions{}).size();
  }
  EXPECT_EQ(config.entries.size(), expected);
}

class ConfigFileOnDisk : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  void write(std::string_view text) const {
    std::ofstream(path_, std::ios::binary).write(text.data(), std::streamsize(text.size()));
  }
  const std::string path_ = testing::TempDir() + "wsd_config_" + std::to_string(getpid());
};

TEST_F(ConfigFileOnDisk, ReadsWholeFile) {
  const std::string text(10'000, '#');
  write(text);
  const FileText file = read_config_file(path_);
  EXPECT_EQ(file.error, "");
  EXPECT_EQ(file.text, text);
}

TEST_F(ConfigFileOnDisk, FileAboveOneMebibyte_IsRejected) {
  write(std::string((1U << 20U) + 1, '#'));
  EXPECT_NE(read_config_file(path_).error.find("it exceeds the limit of 1MiB"), std::string::npos);
  EXPECT_TRUE(read_config_file(path_).text.empty());
}

TEST_F(ConfigFileOnDisk, MissingFileOrDirectory_IsAnError) {
  const std::string missing = read_config_file(path_).error;
  EXPECT_NE(missing.find(path_), std::string::npos) << missing;
  EXPECT_NE(missing.find("No such file"), std::string::npos) << missing;
  EXPECT_NE(read_config_file("/").error.find("directory"), std::string::npos);
}

}  // namespace
}  // namespace wsd::daemon
