#include "daemon/log/log_command.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::daemon {
namespace {

LogCommand parse(const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment = {}) {
  return parse_log_arguments(arguments, environment);
}

TEST(LogCommand, DirectoryAlone_ListsTheRooms) {
  const LogCommand command = parse({"/var/lib/wsd"});
  EXPECT_EQ(command.error, "");
  EXPECT_EQ(command.directory, "/var/lib/wsd");
  EXPECT_FALSE(command.room || command.from || command.json || command.restored || command.help);
}

TEST(LogCommand, OptionsMayStandBeforeAndAfterTheDirectory) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--room", "a b", "d", "--from", "7:9"},
        std::vector<std::string>{"d", "--from=7:9", "--room=a b"}}) {
    const LogCommand command = parse(arguments);
    EXPECT_EQ(command.error, "");
    EXPECT_EQ(command.directory, "d");
    EXPECT_EQ(command.room, "a b");
    EXPECT_EQ(command.from, (Position{7, 9}));
  }
  EXPECT_TRUE(parse({"d", "--json"}).json);
  EXPECT_TRUE(parse({"--restored", "d"}).restored);
}

TEST(LogCommand, MissingDirectory_ComesFromTheEnvironment) {
  const std::map<std::string, std::string> environment = {{"WSD_HISTORY_DIR", "/from/variable"}};
  EXPECT_EQ(parse({"--json"}, environment).directory, "/from/variable");
  EXPECT_EQ(parse({"d"}, environment).directory, "d");
  EXPECT_EQ(parse({}).error,
            "wsd log needs a directory: write wsd log DIR, with the directory of --history-dir");
  EXPECT_EQ(parse({}, {{"WSD_HISTORY_DIR", ""}}).error, parse({}).error);
}

TEST(LogCommand, Help_NeedsNothingElse) {
  for (const std::string help : {"--help", "-h"}) {
    EXPECT_EQ(parse({help}).error, "");
    EXPECT_TRUE(parse({help}).help);
  }
}

TEST(LogCommand, WrongArguments_AreNamed) {
  EXPECT_EQ(parse({"d", "e"}).error.find("\"e\" is not an argument of wsd log"), 0U);
  EXPECT_EQ(parse({"d", "--rooms"}).error.find("\"--rooms\" is not an argument of wsd log"), 0U);
  EXPECT_EQ(parse({"d", "--room"}).error.find("\"--room\" is not an argument of wsd log"), 0U)
      << "the name of the room is missing";
  EXPECT_EQ(parse({"d", "--room=a", "--from=7"}).error, "--from: \"7\" is not EPOCH:SEQ");
  EXPECT_EQ(parse({"d", "--from=7:9"}).error.find("--from needs --room"), 0U);
  EXPECT_EQ(parse({"d", "--restored", "--json"}).error.find("--restored prints nothing"), 0U);
  EXPECT_EQ(parse({"d", "--restored", "--room=a"}).error.find("--restored prints nothing"), 0U);
}

TEST(LogCommand, HelpFitsATerminal) {
  const std::string help = log_help();
  for (std::size_t from = 0; from < help.size();) {
    const std::size_t end = help.find('\n', from);
    EXPECT_LE(end - from, 100U) << help.substr(from, end - from);
    from = end + 1;
  }
}

}  // namespace
}  // namespace wsd::daemon
