// The page a browser gets from the daemon: joins rooms and chats. Its files lie in src/daemon/page
// and are put into the binary as they are. It asks for nothing outside this server, and its
// Content-Security-Policy would not let it.
#pragma once

#include <wsd/http.h>

#include <array>
#include <string_view>

namespace wsd::daemon {

struct PageFile {
  std::string_view path;  // what it is served at
  std::string_view content_type;
  std::string_view text;  // lives as long as the process
};

// The first is the page itself, which asks for the others.
[[nodiscard]] const std::array<PageFile, 5>& page_files();

[[nodiscard]] Response page_response(const PageFile& file);

}  // namespace wsd::daemon
