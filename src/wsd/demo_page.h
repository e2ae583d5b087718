// The page a browser gets from the daemon: joins a room and chats. It asks for nothing outside this
// server, and its Content-Security-Policy would not let it.
#pragma once

#include <wsd/http.h>

namespace wsd::daemon {

[[nodiscard]] Response demo_page();    // for "/"
[[nodiscard]] Response demo_script();  // for "/demo.js"
[[nodiscard]] Response demo_style();   // for "/demo.css"

}  // namespace wsd::daemon
