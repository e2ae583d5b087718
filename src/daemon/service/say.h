// Lines for the operator on standard error that are not log entries.
#pragma once

#include <string_view>

namespace wsd::daemon {

// Writes `line` and a newline to standard error, in one call, so that lines of several threads do
// not mix. Does not use the logger, so that --log-level off hides neither the address nor the
// reason of an exit. Waits at most one second for a target that takes nothing, such as a pipe that
// is full, and then gives the line up. While a line waits for such a target, further lines are
// dropped at once. Main thread only.
void say(std::string_view line);

}  // namespace wsd::daemon
