// Defines every flag of the daemon once. Command line, environment, configuration file, --help,
// --check-config and reload all read this table, so they cannot disagree about the settings.
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
  kAction,      // only the command line; takes a value if it has a metavar
};

struct Flag {
  FlagKind kind = FlagKind::kSetting;
  std::string_view name;  // without "--"; also the key in a configuration file
  std::string_view group;
  std::string_view metavar;  // empty for an action
  std::string_view help;
  bool repeatable = false;
  std::vector<std::string_view> values = {};  // the accepted values, if they can be listed

  // Only settings have the three functions below.

  // Stores `value`, or appends it if the flag is repeatable, and returns an empty string. If the
  // value is invalid, leaves `options` unchanged and returns a clause with the rule and the remedy.
  std::function<std::string(DaemonOptions& options, std::string_view value)> set;
  // Returns the setting's values as texts that `set` accepts: one, or any number if repeatable.
  // Takes the options by value, so that one accessor serves reading and writing.
  std::function<std::vector<std::string>(DaemonOptions options)> get;
  // Empties a repeatable setting.
  std::function<void(DaemonOptions& options)> clear;
};

// Returns all flags, grouped and in the order of --help.
[[nodiscard]] const std::vector<Flag>& flag_table();

// Returns the flag of that name, or nullptr. The pointer is valid as long as the process.
[[nodiscard]] const Flag* find_flag(std::string_view name);

// Returns "WSD_PING_INTERVAL" for "ping-interval", and an empty string for an action.
[[nodiscard]] std::string environment_name(const Flag& flag);

// Returns the help text, with a note at its end if the flag may be repeated.
[[nodiscard]] std::string described(const Flag& flag);

// Returns the default as --help shows it, and an empty string for a flag that is not a setting.
[[nodiscard]] std::string default_text(const Flag& flag);

}  // namespace wsd::daemon
