// `wsd connect`: a WebSocket client for a terminal and for scripts.
#pragma once

#include <functional>
#include <string>

#include "daemon/connect/connect_options.h"

namespace wsd::daemon {

// Connects, copies lines in both directions until the connection ends, and returns the exit code.
// Reports an error of the command line through `fail`. Replaces the handlers of SIGINT, SIGTERM and
// SIGPIPE. Main thread, once per process.
[[nodiscard]] int run_connect(ConnectCommand command,
                              const std::function<int(int, const std::string&)>& fail);

}  // namespace wsd::daemon
