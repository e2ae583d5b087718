// Every flag of the daemon, once. Command line, environment, configuration file, --help,
// --check-config and reload all read this table, so none of them can know another set of settings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/daemon_options.h"

namespace wsd::daemon {

enum class FlagKind : std::uint8_t {
  kSetting,     // command line, environment and configuration file
  kConfigFile,  // --config: command line and environment
  kAction,      // command line alone; a value only where there is a metavar
};

struct Flag {
  FlagKind kind = FlagKind::kSetting;
  std::string_view name;  // without "--"; also the key in a configuration file
  std::string_view group;
  std::string_view metavar;  // empty for an action
  std::string_view help;
  bool repeatable = false;
  std::vector<std::string_view> values = {};  // all there are, where they are few; else empty

  // The three below are there for settings alone.

  // Stores `value` (appends, if repeatable) and returns an empty string, or leaves `options` as
  // they were and returns a clause that says what is wrong with the value and how to mend it.
  std::function<std::string(DaemonOptions& options, std::string_view value)> set;
  // The setting's values as texts that `set` accepts: one, or any number if repeatable. By value,
  // so that one accessor serves reading and writing.
  std::function<std::vector<std::string>(DaemonOptions options)> get;
  // Empties a repeatable setting.
  std::function<void(DaemonOptions& options)> clear;
};

// Grouped, in the order of --help.
[[nodiscard]] const std::vector<Flag>& flag_table();

// The flag of that name, or nullptr. Lives as long as the process.
[[nodiscard]] const Flag* find_flag(std::string_view name);

// "WSD_PING_INTERVAL" for "ping-interval"; empty for an action.
[[nodiscard]] std::string environment_name(const Flag& flag);

// The help text, which says at its end if the flag may be repeated.
[[nodiscard]] std::string described(const Flag& flag);

// The default as --help shows it; empty for anything but a setting.
[[nodiscard]] std::string default_text(const Flag& flag);

}  // namespace wsd::daemon
