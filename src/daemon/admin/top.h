// `wsd top`: the statistics of the admin listener, live in a terminal.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/config/load_config.h"

namespace wsd::daemon {

// The parsed command line of `wsd top`.
struct TopOptions {
  std::string address = "127.0.0.1:9002";  // of the admin listener, as in --admin
  std::string token_file;
  bool help = false;
  std::string error;  // a sentence; empty if there is no error
};

// Parses the `arguments` after "top". WSD_ADMIN and WSD_ADMIN_TOKEN_FILE of `environment` stand in
// for a missing address and token file.
[[nodiscard]] TopOptions parse_top_arguments(const std::vector<std::string>& arguments,
                                             const std::map<std::string, std::string>& environment);

[[nodiscard]] std::string top_help();

// Draws until q, Ctrl-C or the end of the listener, and then restores the terminal. Prints a single
// snapshot if standard output is not a terminal. Returns the exit code. Reports an error through
// `fail`.
[[nodiscard]] int run_top(const TopOptions& options,
                          const std::function<int(int, const std::string&)>& fail);

}  // namespace wsd::daemon
