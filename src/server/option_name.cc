#include "server/option_name.h"

namespace wsd::server {

std::string with_option_names(const ServerOptions& options, std::string_view text) {
  constexpr std::string_view kOpen = "{option:";
  std::string result;
  for (;;) {
    const std::size_t open = text.find(kOpen);
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    result += text.substr(0, open);
    result += option_name(options, text.substr(open + kOpen.size(), close - open - kOpen.size()));
    text.remove_prefix(close + 1);
  }
  return result += text;
}

}  // namespace wsd::server
