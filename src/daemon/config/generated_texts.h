// Texts generated from the flag table: the manual page, shell completions and an example
// configuration file.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "daemon/config/load_config.h"

namespace wsd::daemon {

// Returns an empty string if --print knows a text of that name, else an error sentence.
[[nodiscard]] std::string print_error(std::string_view what);
// Returns the text of that name, or an empty string if print_error() reports an error.
[[nodiscard]] std::string printed(std::string_view what);

// Returns wsd(8) in the man macros of roff.
[[nodiscard]] std::string man_page();
[[nodiscard]] std::string bash_completion();
[[nodiscard]] std::string zsh_completion();
[[nodiscard]] std::string fish_completion();
// Returns a file with every setting and its default, all in comments, so that it changes nothing.
[[nodiscard]] std::string config_example();

// Returns the options of a command as its --help lists them, and its exit statuses.
[[nodiscard]] std::string command_options_text(std::string_view command);
[[nodiscard]] std::string command_statuses_text(std::string_view command);

struct ExitCode {
  int code = 0;
  std::string_view meaning;
};
inline constexpr std::array<ExitCode, 6> kExitCodes{{
    {kExitClean, "clean exit"},
    {kExitFailed, "runtime error"},
    {kExitUsage, "invalid command line"},
    {kExitCut, "drained, but some connections were force-closed"},
    {kExitCannotBind, "cannot listen on an address"},
    {kExitBadConfiguration, "invalid configuration"},
}};

}  // namespace wsd::daemon
