// From command line, environment and configuration file to the daemon's options. A pure function of
// what it is given.
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

// sysexits(3) where it has a number for the case. A flag that is wrong as it stands on the command
// line is kExitUsage; a wrong value in the environment or the configuration file, a file that
// cannot be read, and settings that contradict each other, wherever they come from, are
// kExitBadConfiguration.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitCut = 3;  // drained, but not all in order
inline constexpr int kExitCannotBind = 69;
inline constexpr int kExitBadConfiguration = 78;

// In rising order of precedence, where several are asked for.
enum class Action : std::uint8_t { kServe, kCheckConfig, kPrint, kVersion, kHelp };

struct Sources {
  std::vector<std::string> arguments;  // without the program's name
  std::map<std::string, std::string>
      environment;  // names without the prefix WSD_ are not looked at
  std::function<FileText(const std::string& path)> read_file;
  std::function<std::string(const ServerOptions& options)> check;  // wsd::check_options
};

struct Loaded {
  Action action = Action::kServe;
  std::string print;                  // of kPrint: which text
  bool listen_given = false;          // a source names an address to listen on
  DaemonOptions options;              // whole and free of contradictions if there is no error
  std::string config_path;            // empty: none was given
  std::vector<std::string> warnings;  // sentences
  std::string error;                  // a sentence; empty when there is none
  int exit_code = kExitClean;         // of the error
};

// Flag before environment before configuration file before default. A repeatable setting takes all
// its values from the highest source that names it. In the environment its values stand between
// commas, and a variable that is empty counts as unset. With --help, --version or --print nothing
// beyond the command line is read.
[[nodiscard]] Loaded load_config(const Sources& sources);

// What --help prints: every flag with its default.
[[nodiscard]] std::string help_text();

// The names of the settings in which the two differ, in the order of --help.
[[nodiscard]] std::vector<std::string> differing_settings(const DaemonOptions& left,
                                                          const DaemonOptions& right);

// What a reload found: no setting can change while the daemon runs, so it is a judgment of what a
// restart would do.
struct ReloadReport {
  bool valid = false;
  std::string text;
};
[[nodiscard]] ReloadReport reload_report(const DaemonOptions& running, const Loaded& reread);

}  // namespace wsd::daemon
