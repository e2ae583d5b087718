// The web page of the daemon, on which a browser joins rooms and chats. The binary embeds its files
// from src/daemon/page unchanged. The page loads nothing from other servers, and its
// Content-Security-Policy forbids that.
#pragma once

#include <wsd/http.h>

#include <array>
#include <string_view>

namespace wsd::daemon {

struct PageFile {
  std::string_view path;  // URL path
  std::string_view content_type;
  std::string_view text;  // valid as long as the process
};

// Returns all files. The first is the page itself, which loads the others.
[[nodiscard]] const std::array<PageFile, 5>& page_files();

[[nodiscard]] Response page_response(const PageFile& file);

}  // namespace wsd::daemon
