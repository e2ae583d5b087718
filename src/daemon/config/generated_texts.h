// Texts for other programs, made from the flag table: a manual page, shell completions, a
// configuration file to begin with.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "daemon/config/load_config.h"

namespace wsd::daemon {

// Empty for a text that --print knows, else a sentence.
[[nodiscard]] std::string print_error(std::string_view what);
// The text of that name; empty where print_error() is not.
[[nodiscard]] std::string printed(std::string_view what);

// wsd(8), in the man macros of roff.
[[nodiscard]] std::string man_page();
[[nodiscard]] std::string bash_completion();
[[nodiscard]] std::string zsh_completion();
[[nodiscard]] std::string fish_completion();
// Every setting as a comment, with its default: it changes nothing as it is.
[[nodiscard]] std::string config_example();

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
