// The commands of wsd besides serving, such as `wsd top`, for the texts that list them.
#pragma once

#include <string_view>
#include <vector>

namespace wsd::daemon {

struct CommandOption {
  std::string_view name;     // without "--"
  std::string_view metavar;  // empty: takes no value
  std::string_view help;
};

struct CommandText {
  std::string_view name;
  std::string_view argument;  // the metavar of its only argument, which is optional
  bool directory = false;     // the argument is a directory
  std::string_view help;
  std::vector<CommandOption> options;
};

// Returns the commands in the order of --help.
[[nodiscard]] const std::vector<CommandText>& command_table();

}  // namespace wsd::daemon
