#include "daemon/config/load_config.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsd::daemon {
namespace {

using Words = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

// The one file there is, "wsd.conf", holds `file`.
Sources sources(Words arguments, Environment environment = {}, std::string file = {}) {
  return {std::move(arguments), std::move(environment),
          [file = std::move(file)](const std::string& path) {
            if (path != "wsd.conf") return FileText{{}, path + " is not there"};
            return FileText{file, {}};
          },
          [](const ServerOptions&) { return std::string(); }};
}

Loaded load(Words arguments, Environment environment = {}, std::string file = {}) {
  return load_config(sources(std::move(arguments), std::move(environment), std::move(file)));
}

std::string error_of(Words arguments, Environment environment = {}, std::string file = {}) {
  return load(std::move(arguments), std::move(environment), std::move(file)).error;
}

TEST(Settings, NothingGivenIsTheLibrarysDefaults) {
  const Loaded loaded = load({});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.action, Action::kServe);
  EXPECT_EQ(loaded.exit_code, 0);
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.options.listen, Words{"127.0.0.1:9001"});
  DaemonOptions library;
  library.listen = {"127.0.0.1:9001"};
  library.server = ServerOptions{};
  EXPECT_EQ(differing_settings(loaded.options, library), Words{});
}

TEST(Settings, BothFormsOfAFlagAreTaken) {
  EXPECT_EQ(load({"--reactors=3"}).options.server.reactors, 3U);
  EXPECT_EQ(load({"--reactors", "3"}).options.server.reactors, 3U);
  EXPECT_EQ(load({"--listen=unix:/a=b"}).options.listen, Words{"unix:/a=b"});
  EXPECT_EQ(load({"--reactors=3", "--reactors", "4"}).options.server.reactors, 4U);
}

TEST(Settings, Precedence_FlagEnvironmentFileDefault) {
  const Words flag = {"--config=wsd.conf", "--ping-interval=1s"};
  const Words no_flag = {"--config=wsd.conf"};
  const Environment env = {{"WSD_PING_INTERVAL", "2s"}};
  const std::string file = "ping-interval = 3s\n";
  const auto ping = [](const Loaded& loaded) {
    EXPECT_EQ(loaded.error, "");
    return loaded.options.server.heartbeat.ping_interval_ms;
  };
  EXPECT_EQ(ping(load(flag, env, file)), 1'000U);
  EXPECT_EQ(ping(load(flag, {}, file)), 1'000U);
  EXPECT_EQ(ping(load(no_flag, env, file)), 2'000U);
  EXPECT_EQ(ping(load(no_flag, {}, file)), 3'000U);
  EXPECT_EQ(ping(load(no_flag, {}, "")), 25'000U);
}

TEST(Settings, HigherSource_ReplacesAllRepeatedValues) {
  const Environment env = {{"WSD_LISTEN", ":3, :4"}, {"WSD_CONFIG", "wsd.conf"}};
  const std::string file = "listen = :1\nlisten = :2\n";
  EXPECT_EQ(load({"--listen", ":5", "--listen=:6"}, env, file).options.listen, (Words{":5", ":6"}));
  EXPECT_EQ(load({}, env, file).options.listen, (Words{":3", ":4"}));
  EXPECT_EQ(load({"--config=wsd.conf"}, {}, file).options.listen, (Words{":1", ":2"}));
}

TEST(Settings, TellsWhetherASourceNamesAnAddress) {
  EXPECT_FALSE(load({"--reactors=1"}, {{"WSD_LISTEN", ""}}, "listen = :1").listen_given);
  EXPECT_TRUE(load({"--listen=127.0.0.1:9001"}).listen_given);
  EXPECT_TRUE(load({"--listen=systemd"}).listen_given);
  EXPECT_TRUE(load({}, {{"WSD_LISTEN", ":1"}}).listen_given);
  EXPECT_TRUE(load({"--config=wsd.conf"}, {}, "listen = :1").listen_given);
}

TEST(Settings, PrintNamesATextAndReadsNothingElse) {
  const Loaded loaded = load({"--print", "man"}, {{"WSD_REACTORS", "x"}});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.action, Action::kPrint);
  EXPECT_EQ(loaded.print, "man");
  EXPECT_EQ(load({"--print=zsh", "--help"}).action, Action::kHelp);
  EXPECT_EQ(error_of({"--print=page"}),
            "--print: \"page\" is not one of man, bash, zsh, fish, config");
  EXPECT_EQ(load({"--print=page"}).exit_code, kExitUsage);
  EXPECT_EQ(error_of({"--print"}), "--print needs a value: write --print WHAT");
}

TEST(Settings, TheConfigFlagGoesBeforeItsVariable) {
  const Environment env = {{"WSD_CONFIG", "missing.conf"}};
  EXPECT_EQ(load({}, env).exit_code, kExitBadConfiguration);
  const Loaded loaded = load({"--config", "wsd.conf"}, env, "reactors = 2");
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.config_path, "wsd.conf");
  EXPECT_EQ(loaded.options.server.reactors, 2U);
}

TEST(Settings, EmptyVariablesAreUnset) {
  const Loaded loaded =
      load({}, {{"WSD_PING_INTERVAL", ""}, {"WSD_LISTEN", ""}, {"WSD_CONFIG", ""}});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(differing_settings(loaded.options, DaemonOptions{}), Words{});
}

TEST(Settings, EverySettingCanComeFromEverySource) {
  for (const Flag& flag : flag_table()) {
    if (flag.kind != FlagKind::kSetting) continue;
    const Words defaults = flag.get(DaemonOptions{});
    const std::string value = !defaults.empty()               ? defaults.front()
                              : flag.name == "allowed-origin" ? "https://a.example"
                              : flag.name == "admin"          ? "127.0.0.1:0"
                              : flag.name == "socket-mode"    ? "0660"
                              : flag.name == "trusted-proxy"  ? "10.0.0.0/8"
                              : flag.name == "engine"         ? "redis://localhost"
                              : flag.name == "room-rule"      ? "a history-messages=1"
                                                              : "chat";
    const std::string name(flag.name);
    for (const Loaded& loaded : {load({"--" + name + "=" + value}), load({"--" + name, value}),
                                 load({}, {{environment_name(flag), value}}),
                                 load({"--config=wsd.conf"}, {}, name + " = " + value)}) {
      EXPECT_EQ(loaded.error, "") << name;
      EXPECT_EQ(flag.get(loaded.options), Words{value}) << name;
    }
  }
}

TEST(Settings, UnknownFlag_IsAUsageErrorWithSuggestion) {
  EXPECT_EQ(error_of({"--ping-intervall=1s"}),
            "--ping-intervall is not a flag of wsd; did you mean --ping-interval?");
  EXPECT_EQ(error_of({"--max_message", "1"}),
            "--max_message is not a flag of wsd; did you mean --max-message?");
  EXPECT_EQ(error_of({"--zzz"}), "--zzz is not a flag of wsd; wsd --help lists the flags");
  EXPECT_EQ(load({"--zzz"}).exit_code, kExitUsage);
}

TEST(Settings, ArgumentWithoutDashes_IsAUsageError) {
  for (const std::string text : {"-p", "9001", "-", "--", "", "127.0.0.1:9001"}) {
    const Loaded loaded = load({text});
    EXPECT_EQ(loaded.exit_code, kExitUsage) << text;
    EXPECT_NE(loaded.error, "") << text;
  }
  EXPECT_EQ(error_of({":9001"}),
            "\":9001\" is not a flag, and wsd accepts only flags; did you mean --listen :9001?");
}

TEST(Settings, MissingAndSuperfluousValuesAreUsageErrors) {
  EXPECT_EQ(error_of({"--listen"}), "--listen needs a value: write --listen ADDRESS");
  EXPECT_EQ(error_of({"--reactors="}), "--reactors needs a value: write --reactors N");
  EXPECT_EQ(error_of({"--config="}), "--config needs a value: write --config FILE");
  EXPECT_EQ(error_of({"--check-config=yes"}), "--check-config takes no value; write it alone");
  EXPECT_EQ(load({"--help=x"}).exit_code, kExitUsage);
}

TEST(Settings, ABadValueNamesItsPlaceAndDecidesTheExitCode) {
  const Loaded flag = load({"--ping-interval=25"});
  EXPECT_EQ(flag.exit_code, kExitUsage);
  EXPECT_TRUE(flag.error.starts_with("--ping-interval: \"25\" has no unit")) << flag.error;

  const Loaded variable = load({}, {{"WSD_PING_INTERVAL", "25"}});
  EXPECT_EQ(variable.exit_code, kExitBadConfiguration);
  EXPECT_TRUE(variable.error.starts_with("WSD_PING_INTERVAL: \"25\" has no unit"))
      << variable.error;

  const Loaded file = load({"--config=wsd.conf"}, {}, "\n\nping-interval = 25 # s");
  EXPECT_EQ(file.exit_code, kExitBadConfiguration);
  EXPECT_TRUE(file.error.starts_with("wsd.conf:3: ping-interval: \"25\" has no unit"))
      << file.error;
}

TEST(Settings, InvalidValue_IsRejectedEvenIfReplaced) {
  EXPECT_EQ(load({"--reactors=1"}, {{"WSD_REACTORS", "many"}}).exit_code, kExitBadConfiguration);
  EXPECT_EQ(load({"--config=wsd.conf", "--reactors=1"}, {}, "reactors = many").exit_code,
            kExitBadConfiguration);
}

TEST(Settings, TheCommandLineIsJudgedBeforeTheRest) {
  EXPECT_EQ(load({"--config=missing", "--reactors=many"}, {{"WSD_LISTEN", "x"}}).exit_code,
            kExitUsage);
}

TEST(Settings, UnreadableFile_IsBadConfiguration) {
  const Loaded loaded = load({"--config", "nowhere.conf"});
  EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
  EXPECT_EQ(loaded.error, "nowhere.conf is not there");
}

TEST(Settings, ContradictionFromAnySource_IsBadConfiguration) {
  Sources given = sources({"--read-timeout=1s"});
  given.check = [](const ServerOptions& options) {
    return options.heartbeat.read_timeout_ms == 1'000 ? std::string("--read-timeout is too short")
                                                      : std::string();
  };
  const Loaded loaded = load_config(given);
  EXPECT_EQ(loaded.exit_code, kExitBadConfiguration);
  EXPECT_EQ(loaded.error, "--read-timeout is too short");
}

TEST(Settings, ActionsAreTakenAndHelpWins) {
  EXPECT_EQ(load({"--check-config"}).action, Action::kCheckConfig);
  EXPECT_EQ(load({"--version", "--check-config"}).action, Action::kVersion);
  EXPECT_EQ(load({"--help", "--version"}).action, Action::kHelp);
  EXPECT_EQ(load({"-h"}).action, Action::kHelp);
  EXPECT_EQ(load({"--help", "--bogus"}).exit_code, kExitUsage);
}

TEST(Settings, HelpAndVersionReadNothingElse) {
  for (const std::string action : {"--help", "--version"}) {
    EXPECT_EQ(error_of({action, "--config=missing"}, {{"WSD_REACTORS", "many"}}), "");
  }
}

TEST(Settings, MisspelledVariable_Warns) {
  const Loaded loaded = load({}, {{"WSD_PING_INTERVALL", "1s"}});
  EXPECT_EQ(loaded.error, "");
  ASSERT_EQ(loaded.warnings.size(), 1U);
  EXPECT_EQ(loaded.warnings.front(),
            "the environment variable \"WSD_PING_INTERVALL\" is not a setting of wsd and has no "
            "effect; did you mean WSD_PING_INTERVAL?");
}

TEST(Settings, ForeignVariables_AreIgnored) {
  const Loaded loaded = load({}, {{"WSD_SERVICE_HOST", "10.0.0.1"},
                                  {"WSD_PORT", "tcp://10.0.0.1:80"},
                                  {"WSD_PORT_80_TCP", "tcp://10.0.0.1:80"},
                                  {"WSD_PORT_80_TCP_PROTO", "tcp"},
                                  {"HOME", "/root"},
                                  {"WSD_HELP", "x"}});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.warnings, Words{});
}

TEST(Settings, EffectiveSettingsReadBackAsTheyWere) {
  const Loaded first =
      load({"--listen=unix:/run/a#b", "--listen=[::1]:0", "--allowed-origin=https://a.example:8443",
            "--allowed-origin=*", "--subprotocol=#chat", "--subprotocol=v2", "--ping-interval=off",
            "--read-timeout=0", "--drain-window=0", "--close-timeout=1234ms", "--max-message=65537",
            "--max-input-bytes=18446744073709551615", "--notsent-lowat=16KiB",
            "--slow-policy=drop-oldest", "--log-level=off", "--log-format=json", "--reactors=7",
            "--max-control-frames-per-second=0"});
  ASSERT_EQ(first.error, "");
  const std::string rendered = render_config(first.options);
  const Loaded again = load({"--config=wsd.conf"}, {}, rendered);
  ASSERT_EQ(again.error, "") << rendered;
  EXPECT_EQ(differing_settings(first.options, again.options), Words{});
  EXPECT_EQ(render_config(again.options), rendered);
}

TEST(Settings, DefaultSettingsReadBackAsTheyWere) {
  const Loaded again = load({"--config=wsd.conf"}, {}, render_config(DaemonOptions{}));
  EXPECT_EQ(again.error, "");
  EXPECT_EQ(differing_settings(again.options, DaemonOptions{}), Words{});
}

TEST(Settings, Reload_ListsSettingsForRestart) {
  const DaemonOptions running = load({"--reactors=1"}).options;
  const auto report = [&](std::string file) {
    return reload_report(running, load({"--reactors=1", "--config=wsd.conf"}, {}, std::move(file)));
  };
  EXPECT_TRUE(report("").valid);
  EXPECT_EQ(report("reactors = 5").text, "the configuration is valid; no setting has changed");
  EXPECT_EQ(report("ping-interval = 1s").text,
            "the configuration is valid; 1 setting has changed and needs a restart: ping-interval");
  EXPECT_EQ(
      report("log-level = warn\nlisten = :1").text,
      "the configuration is valid; 2 settings have changed and need a restart: listen, log-level");
  const ReloadReport broken = report("reactor = 1");
  EXPECT_FALSE(broken.valid);
  EXPECT_EQ(
      broken.text,
      "the configuration is not valid, so the current one stays in use: wsd.conf:1: \"reactor\" is "
      "not a setting; did you mean \"reactors\"?");
}

}  // namespace
}  // namespace wsd::daemon
