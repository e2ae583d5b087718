// Runs a server program: listen, serve, drain.
#pragma once

#include <wsd/server.h>

#include <functional>

namespace chat {

// Listens on `address`, prints the address on standard error, and serves until SIGTERM or SIGINT.
// Then it drains the server and returns the exit status. Call it on the main thread. `started` is
// called once, when the server runs. Start your own threads there and not earlier, so that they
// inherit the signal mask.
[[nodiscard]] int serve(wsd::Server& server, const char* address,
                        const std::function<void()>& started = {});

}  // namespace chat
