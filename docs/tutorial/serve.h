// The life of a server program: listen, run, drain.
#pragma once

#include <wsd/server.h>

#include <functional>

namespace chat {

// Listens on `address`, says so on standard error, and serves until SIGTERM or SIGINT; then every
// connection is told that the server goes. Returns the exit status. To be called by the main
// thread. `started` is called once the server runs; threads are for it to start, not for before.
[[nodiscard]] int serve(wsd::Server& server, const char* address,
                        const std::function<void()>& started = {});

}  // namespace chat
