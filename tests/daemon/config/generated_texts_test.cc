#include "daemon/config/generated_texts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/command_table.h"
#include "daemon/config/config_file.h"
#include "daemon/config/load_config.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool has_default(const Flag& setting) {
  const std::vector<std::string> values = setting.get(DaemonOptions{});
  return !values.empty() && !values.front().empty();
}

TEST(Print, EachTextHasAName) {
  for (const char* name : {"man", "bash", "zsh", "fish", "config"}) {
    EXPECT_EQ(print_error(name), "");
    EXPECT_FALSE(printed(name).empty()) << name;
    EXPECT_TRUE(printed(name).ends_with('\n')) << name;
  }
  EXPECT_EQ(print_error("powershell"),
            "--print: \"powershell\" is not one of man, bash, zsh, fish, config");
  EXPECT_EQ(printed("powershell"), "");
}

TEST(Print, EveryFlagIsInEveryText) {
  for (const Flag& flag : flag_table()) {
    const std::string name(flag.name);
    std::string in_roff = "\\-\\-" + name;
    for (std::size_t at = 4; (at = in_roff.find('-', at)) != std::string::npos; at += 2) {
      if (in_roff[at - 1] != '\\') in_roff.insert(at, 1, '\\');
    }
    EXPECT_TRUE(contains(man_page(), in_roff)) << in_roff;
    EXPECT_TRUE(contains(bash_completion(), "--" + name));
    EXPECT_TRUE(contains(zsh_completion(), "--" + name + (flag.metavar.empty() ? "[" : "=[")));
    EXPECT_TRUE(contains(fish_completion(), "complete -c wsd -l " + name + " "));
    if (flag.kind == FlagKind::kSetting) {
      EXPECT_TRUE(contains(config_example(), "\n#" + name + " = ")) << name;
    }
  }
}

TEST(Print, EveryCommandIsInEveryText) {
  for (const CommandText& command : command_table()) {
    const std::string name(command.name);
    EXPECT_TRUE(contains(help_text(), "\n       wsd " + name + " [")) << name;
    EXPECT_TRUE(contains(man_page(), "\n.SS wsd " + name + " [")) << name;
    EXPECT_TRUE(contains(bash_completion(), "\n    " + name + ") words=")) << name;
    EXPECT_TRUE(contains(fish_completion(), " -a " + name + " -d '")) << name;
    for (const CommandOption& option : command.options) {
      const std::string option_name(option.name);
      EXPECT_TRUE(contains(bash_completion(), "--" + option_name)) << option_name;
      EXPECT_TRUE(contains(fish_completion(), "_from " + name + "' -l " + option_name)) << name;
    }
  }
  EXPECT_TRUE(contains(zsh_completion(), "'1:command:(top log connect)'"));
}

TEST(Print, StatusesOfACommandAreInHelpAndManPage) {
  bool any = false;
  for (const CommandText& command : command_table()) {
    const std::string help = command_statuses_text(command.name);
    for (const CommandStatus& status : command.statuses) {
      any = true;
      const std::string number(status.status);
      EXPECT_TRUE(contains(help, " " + number + "  " + std::string(status.meaning) + "\n"));
      EXPECT_TRUE(contains(man_page(), "\n.TP\n.B " + number + "\n")) << number;
    }
  }
  EXPECT_TRUE(any);
  EXPECT_EQ(command_statuses_text("top"), "");
  EXPECT_EQ(command_options_text("nothing"), "");
}

TEST(Print, ChoicesAreCompleted) {
  EXPECT_TRUE(contains(bash_completion(),
                       "--slow-policy) words=$(compgen -W 'disconnect drop-newest drop-oldest'"));
  EXPECT_TRUE(contains(zsh_completion(), ":LEVEL:(debug info warn error off)'"));
  EXPECT_TRUE(contains(fish_completion(), "-l log-format -x -a 'auto text json'"));
  EXPECT_TRUE(contains(zsh_completion(), ":FILE:_files'"));
}

TEST(Print, RepeatableFlag_SaysSoInEveryText) {
  int repeatable = 0;
  for (const Flag& flag : flag_table()) {
    EXPECT_FALSE(contains(std::string(flag.help), "repeated")) << flag.name;  // not typed by hand
    EXPECT_EQ(contains(described(flag), "; may be repeated"), flag.repeatable) << flag.name;
    if (!flag.repeatable) continue;
    ++repeatable;
    EXPECT_TRUE(contains(fish_completion(), described(flag))) << flag.name;
  }
  EXPECT_EQ(repeatable, 7);
}

// Roff takes a line that begins with "." or "'" for a request, and "-" for a hyphen.
TEST(Print, ManPageIsSafeForRoff) {
  const std::set<std::string_view> requests = {".TH", ".SH", ".SS", ".TP", ".PP",
                                               ".B",  ".BR", ".BI", ".I",  ".RI",
                                               ".RS", ".RE", ".nf", ".fi", ".\\\""};
  const std::string page = man_page();
  for (const std::string_view line : split(page, '\n')) {
    if (line.starts_with('.')) {
      EXPECT_TRUE(requests.contains(line.substr(0, line.find(' ')))) << line;
    }
    EXPECT_FALSE(line.starts_with('\'')) << line;
    EXPECT_LE(line.size(), 80U) << line;
  }
}

// With every "#" before a setting taken away it is the default configuration.
TEST(Print, TheConfigurationExampleIsTheDefaults) {
  EXPECT_EQ(parse_config("as it is", config_example()).error, "");
  EXPECT_TRUE(parse_config("as it is", config_example()).entries.empty());
  std::string text;
  const std::string example = config_example();
  for (std::string_view line : split(example, '\n')) {
    EXPECT_LE(line.size(), 100U) << line;
    const bool setting = line.size() > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '#';
    if (setting) line.remove_prefix(1);
    const Flag* const flag = find_flag(line.substr(0, line.find(' ')));
    const bool without_default = setting && flag != nullptr && !has_default(*flag);
    if (!without_default) text.append(line) += '\n';
  }
  const Config config = parse_config("uncommented", text);
  ASSERT_EQ(config.error, "");
  DaemonOptions options;
  options.listen.clear();
  std::set<std::string_view> named;
  for (const ConfigEntry& entry : config.entries) {
    EXPECT_EQ(entry.flag->set(options, entry.value), "") << entry.flag->name;
    named.insert(entry.flag->name);
  }
  EXPECT_EQ(differing_settings(options, DaemonOptions{}), std::vector<std::string>{});
  for (const Flag& flag : flag_table()) {
    if (flag.kind == FlagKind::kSetting && has_default(flag)) {
      EXPECT_TRUE(named.contains(flag.name)) << flag.name;
    }
  }
}

TEST(Print, ExitCodesAreThoseOfHelp) {
  const std::string help = help_text();
  for (const ExitCode& each : kExitCodes) {
    EXPECT_TRUE(contains(help, std::to_string(each.code) + " " + std::string(each.meaning)));
    EXPECT_TRUE(contains(man_page(), ".B " + std::to_string(each.code) + "\n"));
  }
  for (const char* signal_status : {"130", "143"}) {
    EXPECT_TRUE(contains(man_page(), std::string(".B ") + signal_status + "\n")) << signal_status;
  }
}

}  // namespace
}  // namespace wsd::daemon
