// `wsd log`: shows the content of a history log on disk.
#pragma once

#include <wsd/position.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/load_config.h"

namespace wsd::daemon {

// The parsed command line of `wsd log`.
struct LogCommand {
  std::string directory;
  std::optional<std::string> room;  // print its messages
  std::optional<Position> from;     // those after this position
  bool json = false;                // the listing as JSON
  bool restored = false;            // give all rooms new epochs
  bool help = false;
  std::string error;  // a sentence; empty if there is no error
};

// Parses the `arguments` after "log". WSD_HISTORY_DIR of `environment` stands in for a missing
// directory.
[[nodiscard]] LogCommand parse_log_arguments(const std::vector<std::string>& arguments,
                                             const std::map<std::string, std::string>& environment);

[[nodiscard]] std::string log_help();

// Prints the result to standard output. Returns the exit code, which is kExitFailed
// if the log is damaged. Reports an error through `fail`.
[[nodiscard]] int run_log(const LogCommand& command,
                          const std::function<int(int, const std::string&)>& fail);

}  // namespace wsd::daemon
