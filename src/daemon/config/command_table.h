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

struct CommandStatus {
  std::string_view status;  // "1NN" stands for a range
  std::string_view meaning;
};

struct CommandText {
  std::string_view name;
  std::string_view argument;  // the metavar of its only argument, which is optional
  bool directory = false;     // the argument is a directory
  std::string_view help;
  std::vector<CommandOption> options;
  std::vector<CommandStatus> statuses = {};  // if they differ from those of the daemon
};

// Returns the commands in the order of --help.
[[nodiscard]] const std::vector<CommandText>& command_table();

}  // namespace wsd::daemon
