// Builds the daemon's options from command line, environment and configuration file. The functions
// are pure: all input comes as arguments.
#pragma once

#include <wsd/options.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/config/config_file.h"
#include "daemon/config/flag_table.h"

namespace wsd::daemon {

// Exit statuses, from sysexits(3) if it has one for the case. An invalid flag on the command line
// is kExitUsage. An invalid value in the environment or in the configuration file, an unreadable
// file, and contradictory settings from any source are kExitBadConfiguration.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitCut = 3;  // drained, but some connections were force-closed
inline constexpr int kExitCannotBind = 69;
inline constexpr int kExitBadConfiguration = 78;

// In rising order of precedence: with several on one command line, the highest counts.
enum class Action : std::uint8_t { kServe, kCheckConfig, kPrint, kVersion, kHelp };

struct Sources {
  std::vector<std::string> arguments;              // without the program's name
  std::map<std::string, std::string> environment;  // only names with the prefix WSD_ count
  std::function<FileText(const std::string& path)> read_file;
  std::function<std::string(const ServerOptions& options)> check;  // wsd::check_options
};

struct Loaded {
  Action action = Action::kServe;
  std::string print;                  // for kPrint: the name of the text
  bool listen_given = false;          // some source sets --listen
  DaemonOptions options;              // complete and consistent if there is no error
  std::string config_path;            // empty: no file was given
  std::vector<std::string> warnings;  // sentences
  std::string error;                  // a sentence; empty if there is no error
  int exit_code = kExitClean;         // the exit status for the error
};

// Loads all settings. Flags override environment variables, which override the configuration file,
// which overrides the defaults. A repeatable setting takes all its values from the highest source
// that sets it. In an environment variable, commas separate its values. An empty variable counts as
// unset. With --help, --version or --print, only the command line is read.
[[nodiscard]] Loaded load_config(const Sources& sources);

// Returns the output of --help: every flag with its default.
[[nodiscard]] std::string help_text();

// Returns the names of the settings that differ, in the order of --help.
[[nodiscard]] std::vector<std::string> differing_settings(const DaemonOptions& left,
                                                          const DaemonOptions& right);

// The result of a reload. No setting can change while the daemon runs, so the report describes the
// effect of a restart.
struct ReloadReport {
  bool valid = false;
  std::string text;
};
[[nodiscard]] ReloadReport reload_report(const DaemonOptions& running, const Loaded& reread);

}  // namespace wsd::daemon
