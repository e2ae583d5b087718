#include "daemon/connect/connect_options.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "daemon/config/command_table.h"

namespace wsd::daemon {
namespace {

ConnectCommand parse(const std::vector<std::string>& arguments) {
  return parse_connect_arguments(arguments);
}

std::string error_of(const std::vector<std::string>& arguments) { return parse(arguments).error; }

TEST(ConnectOptions, NoArguments_ConnectToTheLocalEcho) {
  const ConnectCommand command = parse({});
  EXPECT_EQ(command.error, "");
  EXPECT_EQ(command.url, "ws://127.0.0.1:9001/");
  EXPECT_EQ(command.close_code, CloseCode::kNormalClosure);
  EXPECT_EQ(command.timeout_ms, 10'000U);
  EXPECT_EQ(command.ping_interval_ms, 25'000U);
  EXPECT_EQ(command.max_message_bytes, std::size_t{16} << 20);
  EXPECT_FALSE(command.binary || command.json || command.no_input || command.help);
}

TEST(ConnectOptions, ValuesStandAfterASpaceOrAnEqualsSign) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--close", "4001", "ws://a/", "--reason", "a=b", "--wait", "1s"},
        std::vector<std::string>{"ws://a/", "--close=4001", "--reason=a=b", "--wait=1s"}}) {
    const ConnectCommand command = parse(arguments);
    EXPECT_EQ(command.error, "");
    EXPECT_EQ(command.url, "ws://a/");
    EXPECT_EQ(static_cast<int>(command.close_code), 4001);
    EXPECT_EQ(command.close_reason, "a=b");
    EXPECT_EQ(command.wait_ms, 1'000U);
  }
}

TEST(ConnectOptions, EachOptionSetsItsField) {
  using Header = std::pair<std::string, std::string>;
  EXPECT_EQ(parse({"--header", "Cookie: a=1: 2", "--header=X:"}).headers,
            (std::vector<Header>{{"Cookie", "a=1: 2"}, {"X", ""}}));
  EXPECT_EQ(parse({"--subprotocol", "a", "--subprotocol", "b"}).subprotocols,
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse({"--origin", "http://a"}).origin, "http://a");
  EXPECT_EQ(parse({"--token", "0123456789abcdef"}).token, "0123456789abcdef");
  EXPECT_EQ(parse({"--token-file", "t"}).token_file, "t");
  EXPECT_EQ(parse({"--messages", "3"}).messages, 3U);
  EXPECT_EQ(parse({"--timeout", "2s"}).timeout_ms, 2'000U);
  EXPECT_EQ(parse({"--ping-interval", "off"}).ping_interval_ms, 0U);
  EXPECT_EQ(parse({"--max-message", "1KiB"}).max_message_bytes, 1024U);
  EXPECT_TRUE(parse({"--binary"}).binary);
  EXPECT_TRUE(parse({"--json"}).json);
  EXPECT_TRUE(parse({"--no-input"}).no_input);
  EXPECT_EQ(error_of({"--text"}), "");
}

TEST(ConnectOptions, LastEventId_IsAddedToTheQuery) {
  EXPECT_EQ(parse({"ws://a/rooms/b", "--last-event-id", "7:9"}).url,
            "ws://a/rooms/b?last_event_id=7:9");
  EXPECT_EQ(parse({"--last-event-id=7:9", "ws://a/rooms/b?x=1"}).url,
            "ws://a/rooms/b?x=1&last_event_id=7:9");
}

TEST(ConnectOptions, WrongArguments_AreNamed) {
  EXPECT_EQ(error_of({"ws://a/", "ws://b/"}), "\"ws://b/\" is a second URL: give one");
  EXPECT_EQ(error_of({"--nothing"}),
            "\"--nothing\" is not an option of wsd connect: see wsd connect --help");
  EXPECT_EQ(error_of({"--messages"}), "--messages has no value");
  EXPECT_EQ(error_of({"--messages=0"}), "--messages: \"0\" is not a number of at least 1");
  EXPECT_EQ(error_of({"--header", "Cookie"}),
            "--header: \"Cookie\" is not NAME:VALUE, such as \"Cookie: id=7\"");
  EXPECT_EQ(error_of({"--last-event-id", "7"}), "--last-event-id: \"7\" is not EPOCH:SEQ");
  EXPECT_EQ(error_of({"--max-message", "0"}), "--max-message: \"0\" is not a size of at least 1");
  for (const std::string code :
       {"0", "999", "1005", "1006", "1015", "2999", "5000", "66536", "x"}) {
    EXPECT_NE(error_of({"--close", code}).find("is not a close code that may be sent"),
              std::string::npos)
        << code;
  }
  EXPECT_EQ(error_of({"--reason", std::string(123, 'a')}), "");
  EXPECT_NE(error_of({"--reason", std::string(124, 'a')}), "");
  EXPECT_EQ(error_of({"--reason=\xff"}), "--reason: \"\\xff\" is not UTF-8");
  EXPECT_NE(error_of({"--token", "short"}).find("--token: the token has 5 characters"),
            std::string::npos)
      << error_of({"--token", "short"});
  EXPECT_NE(error_of({"--timeout", "0"}), "");
  EXPECT_NE(error_of({"--subprotocol", "a b"}), "");
}

TEST(ConnectOptions, ContradictoryOptions_AreRejected) {
  EXPECT_NE(error_of({"--text", "--binary"}), "");
  EXPECT_NE(error_of({"--json", "--binary"}), "");
  EXPECT_NE(error_of({"--token", "0123456789abcdef", "--token-file", "t"}), "");
}

TEST(ConnectOptions, Help_NeedsNothingElse) {
  for (const std::string help : {"--help", "-h"}) {
    EXPECT_TRUE(parse({help}).help);
    EXPECT_EQ(error_of({help, "--text", "--binary"}), "");
  }
}

// The table is what --help, the manual page and the completions show.
TEST(ConnectOptions, EveryOptionOfTheTableIsAccepted) {
  bool found = false;
  for (const CommandText& command : command_table()) {
    if (command.name != "connect") continue;
    found = true;
    for (const CommandOption& option : command.options) {
      const std::string name = "--" + std::string(option.name);
      EXPECT_EQ(error_of({name}), option.metavar.empty() ? "" : name + " has no value");
      EXPECT_NE(
          connect_help().find("\n  " + name +
                              (option.metavar.empty() ? " " : " " + std::string(option.metavar))),
          std::string::npos)
          << name;
    }
  }
  EXPECT_TRUE(found);
}

TEST(ConnectOptions, HelpFitsATerminal) {
  const std::string help = connect_help();
  for (std::size_t from = 0; from < help.size();) {
    const std::size_t end = help.find('\n', from);
    EXPECT_LE(end - from, 100U) << help.substr(from, end - from);
    from = end + 1;
  }
}

}  // namespace
}  // namespace wsd::daemon
