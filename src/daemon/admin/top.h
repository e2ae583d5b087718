// `wsd top`: the admin listener's figures, live in a terminal.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/config/load_config.h"

namespace wsd::daemon {

// What its command line asks for.
struct TopOptions {
  std::string address = "127.0.0.1:9002";  // of the admin listener, as in --admin
  std::string token_file;
  bool help = false;
  std::string error;  // a sentence; empty when there is none
};

// `arguments` are those behind "top". Where they name no address or token file, WSD_ADMIN and
// WSD_ADMIN_TOKEN_FILE of `environment` do.
[[nodiscard]] TopOptions parse_top_arguments(const std::vector<std::string>& arguments,
                                             const std::map<std::string, std::string>& environment);

[[nodiscard]] std::string top_help();

// Draws until q, Ctrl-C or an end of the listener, and leaves the terminal as it was; where
// standard output is no terminal, one snapshot and no more. Returns the exit code; `fail` tells of
// an error.
[[nodiscard]] int run_top(const TopOptions& options,
                          const std::function<int(int, const std::string&)>& fail);

}  // namespace wsd::daemon
