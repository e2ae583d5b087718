#include "daemon/connect/slash_command.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace wsd::daemon {
namespace {

TEST(SlashCommand, Ping_TakesTheRestOfTheLine) {
  for (const auto& [line, data] : {std::pair{"/ping", ""}, std::pair{"/ping a  b", "a  b"},
                                   std::pair{"/ping\r", ""}, std::pair{"/ping  x", " x"}}) {
    const SlashCommand command = parse_slash_command(line);
    EXPECT_EQ(command.error, "") << line;
    EXPECT_FALSE(command.close) << line;
    EXPECT_EQ(command.text, data) << line;
  }
  EXPECT_EQ(parse_slash_command("/ping " + std::string(125, 'x')).error, "");
  EXPECT_EQ(parse_slash_command("/ping " + std::string(126, 'x')).error,
            "the Ping has more than 125 bytes: shorten it");
}

TEST(SlashCommand, Close_TakesACodeAndAReason) {
  EXPECT_TRUE(parse_slash_command("/close").close);
  EXPECT_EQ(parse_slash_command("/close").close_code, CloseCode::kNormalClosure);
  const SlashCommand command = parse_slash_command("/close 4001 see you");
  EXPECT_TRUE(command.close);
  EXPECT_EQ(command.close_code, CloseCode{4001});
  EXPECT_EQ(command.text, "see you");
  EXPECT_EQ(parse_slash_command("/close 4001 " + std::string(124, 'x')).error,
            "the reason has more than 123 bytes: shorten it");
  EXPECT_EQ(parse_slash_command("/close 4001 \xff").error, "the reason is not UTF-8");
  for (const char* line : {"/close 1005", "/close bye", "/close 99999", "/close  4001"}) {
    EXPECT_NE(parse_slash_command(line).error, "") << line;
  }
}

TEST(SlashCommand, OtherLines_AreNoCommands) {
  EXPECT_EQ(
      parse_slash_command("/nick me").error,
      "\"/nick\" is not a command: write /ping [DATA] or /close [CODE [REASON]], or begin the "
      "line with // to send it");
  EXPECT_NE(parse_slash_command("/").error, "");
  EXPECT_NE(parse_slash_command("/pings").error, "");
}

}  // namespace
}  // namespace wsd::daemon
