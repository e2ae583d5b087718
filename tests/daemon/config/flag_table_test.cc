#include "daemon/config/flag_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/load_config.h"

namespace wsd::daemon {
namespace {

struct FlagCase {
  std::string_view name;
  std::string_view default_value;
  std::string_view good;  // as `get` returns it; never the default
  std::vector<std::string_view> bad;
};

// Written out by hand, so that a changed default or a lost flag is seen here.
const std::vector<FlagCase>& cases() {
  static const std::vector<FlagCase> kCases = {
      {"listen", "127.0.0.1:9001", "[::1]:0", {"", "9001", "::1:1"}},
      {"reactors", "0", "4", {"-1", "two", "4294967296"}},
      {"max-connections", "0", "1000", {"1k", "off"}},
      {"backlog", "4096", "128", {"-1", "2147483648"}},
      {"socket-mode", "none", "0660", {"", "66", "0888", "1777", "-660", "0660 ", "rw-rw----"}},
      {"allowed-origin", "none", "https://app.example.com", {"app.example.com", "https://a/"}},
      {"allowed-host", "none", "ws.example.com", {"ws.example.com:80", "http://a", ""}},
      {"subprotocol", "none", "v1.chat", {"a b", ""}},
      {"handshake-timeout", "10s", "3s", {"0", "off", "10"}},
      {"keep-alive-timeout", "75s", "2m", {"0", "off", "75"}},
      {"max-head", "16KiB", "32KiB", {"16KB", "off"}},
      {"max-request-line", "8KiB", "4KiB", {"x"}},
      {"max-field", "8KiB", "4KiB", {"x"}},
      {"max-fields", "100", "64", {"1KiB"}},
      {"auth-file", "none", "/etc/wsd/users", {"a\x01"}},
      {"auth-cookie", "wsd_token", "sid", {"a b", "", "a=b"}},
      {"revoke-on-reload", "off", "on", {"yes", "", "true"}},
      {"max-connections-per-address", "0", "50", {"x"}},
      {"max-handshakes-per-second", "0", "5", {"5/s"}},
      {"max-messages-per-second", "0", "100", {"100/s"}},
      {"max-bytes-per-second", "0", "1MiB", {"1MB"}},
      {"max-rooms-per-connection", "1024", "1", {"x"}},
      {"max-rooms", "0", "10000", {"-1"}},
      {"ping-interval", "25s", "off", {"25", "x", "-1s"}},
      {"pong-timeout", "20s", "1500ms", {"20"}},
      {"read-timeout", "1m", "off", {"1.5m"}},
      {"max-message", "16MiB", "64KiB", {"16MB", "18446744073709551616"}},
      {"max-fragments", "131072", "10", {"x"}},
      {"max-empty-fragments", "1024", "10", {"x"}},
      {"message-timeout", "2m", "30s", {"0"}},
      {"max-input-bytes", "1GiB", "4GiB", {"x"}},
      {"max-control-frames-per-second", "100000", "0", {"10/s"}},
      {"read-buffer", "64KiB", "128KiB", {"x"}},
      {"send-queue-bytes", "1MiB", "256KiB", {"x"}},
      {"max-output-bytes", "1GiB", "4GiB", {"x"}},
      {"send-queue-frames", "16384", "100", {"x"}},
      {"slow-policy", "disconnect", "drop-oldest", {"drop", "", "Disconnect"}},
      {"deflate", "no-context-takeover", "on", {"yes", "", "Off"}},
      {"deflate-threshold", "64", "1KiB", {"-1", ""}},
      {"deflate-level", "1", "9", {"fast", "-1", ""}},
      {"deflate-memory", "256MiB", "1MiB", {"-1", ""}},
      {"no-deflate-for", "none", "Version/15.", {""}},
      {"publish", "off", "loopback", {"yes", "", "Token"}},
      {"publish-token-file", "none", "/etc/wsd/token", {"", "a b", "a\n"}},
      {"response-timeout", "30s", "10s", {"0"}},
      {"history-messages", "0", "1000", {"x", "-1", ""}},
      {"history-bytes", "1MiB", "64KiB", {"x"}},
      {"history-age", "5m", "10s", {"0"}},
      {"history-memory", "256MiB", "1GiB", {"x"}},
      {"history-dir", "none", "/var/lib/wsd", {"", "a b", "a\n"}},
      {"history-sync", "100ms", "each", {"", "always", "0", "100", "61s", "1h"}},
      {"history-dir-any", "off", "on", {"yes", "", "true"}},
      {"delivery-window", "0", "5ms", {"off", "5", ""}},
      {"presence", "off", "on", {"yes", "", "On"}},
      {"engine",
       "none",
       "redis+unix:/run/redis.sock",
       {"", "localhost", "redis://a/1", "rediss://a"}},
      {"engine-user", "none", "wsd", {"", "a b", "a\n"}},
      {"engine-password-file", "none", "/etc/wsd/redis-password", {"", "a b", "a\n"}},
      {"engine-prefix", "wsd1:", "chat:", {"a b", "{", "%", std::string_view("a\0", 2)}},
      {"engine-timeout", "5s", "500ms", {"0", "off", "5"}},
      {"engine-backlog", "128", "1000", {"x", "-1"}},
      {"room-rule", "none", "quotes-* slow-policy=latest-only", {"", "quotes-*", "a b=c"}},
      {"trusted-proxy", "none", "10.0.0.0/8", {"", "localhost", "10.0.0.0/8,unix"}},
      {"forwarded-field", "x-forwarded-for", "forwarded", {"x-real-ip", "", "Forwarded"}},
      {"proxy-protocol", "off", "on", {"yes", "", "v2"}},
      {"max-pending-publishes", "65536", "1024", {"x"}},
      {"max-pending-bytes", "64MiB", "1MiB", {"x"}},
      {"write-timeout", "30s", "10s", {"0"}},
      {"socket-send-buffer", "0", "64KiB", {"x"}},
      {"notsent-lowat", "0", "16KiB", {"4GiB"}},
      {"close-timeout", "5s", "1s", {"0"}},
      {"drain-delay", "0", "5s", {"off", "5"}},
      {"drain-window", "10s", "0", {"off"}},
      {"drain-timeout", "20s", "1m", {"0"}},
      {"log-level", "info", "debug", {"loud", "INFO"}},
      {"log-format", "auto", "json", {"xml"}},
      {"admin", "none", "127.0.0.1:9002", {"", "9002"}},
      {"admin-token-file", "none", "/etc/wsd/admin-token", {}},
  };
  return kCases;
}

const FlagCase* case_of(std::string_view name) {
  const auto found = std::find_if(cases().begin(), cases().end(),
                                  [&](const FlagCase& each) { return each.name == name; });
  return found == cases().end() ? nullptr : &*found;
}

TEST(FlagTable, EverySettingHasACaseHereAndEveryCaseASetting) {
  for (const Flag& flag : flag_table()) {
    EXPECT_EQ(case_of(flag.name) != nullptr, flag.kind == FlagKind::kSetting) << flag.name;
  }
  for (const FlagCase& each : cases()) EXPECT_NE(find_flag(each.name), nullptr) << each.name;
}

TEST(FlagTable, DefaultsMatchTheCases) {
  for (const FlagCase& each : cases()) {
    EXPECT_EQ(default_text(*find_flag(each.name)), each.default_value) << each.name;
  }
}

TEST(FlagTable, GoodValuesAreStoredInTheirSettingAlone) {
  for (const FlagCase& each : cases()) {
    const Flag& flag = *find_flag(each.name);
    DaemonOptions options;
    if (flag.repeatable) flag.clear(options);
    EXPECT_EQ(flag.set(options, each.good), "") << each.name;
    EXPECT_EQ(flag.get(options), std::vector<std::string>{std::string(each.good)}) << each.name;
    EXPECT_EQ(differing_settings(DaemonOptions{}, options),
              std::vector<std::string>{std::string(each.name)});
  }
}

TEST(FlagTable, BadValuesAreRefusedWithAClauseAndChangeNothing) {
  for (const FlagCase& each : cases()) {
    for (const std::string_view bad : each.bad) {
      DaemonOptions options;
      EXPECT_GT(find_flag(each.name)->set(options, bad).size(), 10U) << each.name << "=" << bad;
      EXPECT_TRUE(differing_settings(DaemonOptions{}, options).empty()) << each.name << "=" << bad;
    }
  }
}

TEST(FlagTable, EveryChoiceIsAccepted) {
  const std::map<std::string_view, std::vector<std::string_view>> choices = {
      {"slow-policy", {"disconnect", "drop-newest", "drop-oldest"}},
      {"publish", {"off", "loopback", "token"}},
      {"deflate", {"off", "no-context-takeover", "on"}},
      {"log-level", {"debug", "info", "warn", "error", "off"}},
      {"log-format", {"auto", "text", "json"}}};
  for (const auto& [name, values] : choices) {
    for (const std::string_view value : values) {
      DaemonOptions options;
      EXPECT_EQ(find_flag(name)->set(options, value), "");
      EXPECT_EQ(find_flag(name)->get(options).front(), value);
    }
  }
}

TEST(FlagTable, RepeatableSettingsAppend) {
  std::set<std::string_view> repeatable;
  for (const Flag& flag : flag_table()) {
    if (flag.repeatable) repeatable.insert(flag.name);
  }
  EXPECT_EQ(repeatable, (std::set<std::string_view>{"listen", "allowed-host", "allowed-origin",
                                                    "no-deflate-for", "room-rule", "subprotocol",
                                                    "trusted-proxy"}));
  DaemonOptions options;
  EXPECT_EQ(find_flag("listen")->set(options, ":1"), "");
  EXPECT_EQ(options.listen, (std::vector<std::string>{"127.0.0.1:9001", ":1"}));
}

TEST(FlagTable, NamesAreUniqueAndEnvironmentNamesFollow) {
  std::set<std::string_view> names;
  for (const Flag& flag : flag_table()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
    EXPECT_EQ(environment_name(flag).empty(), flag.kind == FlagKind::kAction) << flag.name;
  }
  EXPECT_EQ(environment_name(*find_flag("ping-interval")), "WSD_PING_INTERVAL");
  EXPECT_EQ(environment_name(*find_flag("config")), "WSD_CONFIG");
  EXPECT_EQ(find_flag("no-such-flag"), nullptr);
}

TEST(FlagTable, HelpListsEveryFlagWithItsDefault) {
  const std::string help = help_text();
  std::size_t from = 0;
  for (const Flag& flag : flag_table()) {
    std::string start = "\n  --" + std::string(flag.name);
    if (!flag.metavar.empty()) start += ' ' + std::string(flag.metavar);
    const std::size_t at = help.find(start, from);
    ASSERT_NE(at, std::string::npos) << start;
    std::string entry = help.substr(at + 1, help.find("\n  --", at + 1) - at - 1);
    std::replace(entry.begin(), entry.end(), '\n', ' ');
    entry.erase(std::unique(entry.begin(), entry.end(),
                            [](char a, char b) { return a == ' ' && b == ' '; }),
                entry.end());
    EXPECT_NE(entry.find(flag.help), std::string::npos) << entry;
    if (flag.kind == FlagKind::kSetting) {
      EXPECT_NE(entry.find("(default: " + default_text(flag) + ")"), std::string::npos) << entry;
    }
    from = at;
  }
}

TEST(FlagTable, HelpFitsAHundredColumns) {
  const std::string help = help_text();
  for (std::size_t from = 0; from < help.size();) {
    const std::size_t end = help.find('\n', from);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - from, 100U) << help.substr(from, end - from);
    from = end + 1;
  }
}

}  // namespace
}  // namespace wsd::daemon
