#include "daemon/auth/token_file.h"

#include <utility>

#include "daemon/auth/bearer.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

std::string_view without_space_around(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

}  // namespace

TokenFile read_token_file(std::string_view flag, const std::string& path) {
  FileText file = read_file({"token file", flag}, path);
  if (!file.error.empty()) return {{}, std::move(file.error), {}};
  const std::string_view token = without_space_around(file.text);
  const std::string why = token_error(token);
  if (why.empty()) return {std::string(token), {}, token_mode_warning(file, path)};
  return {{},
          "the token in " + quote(path) + ", the file of " + std::string(flag) + ", " + why +
              "; write one token and nothing else, such as the output of openssl rand -hex 32",
          {}};
}

std::string token_mode_warning(const FileText& file, const std::string& path) {
  if (!file.open_to_all) return {};
  return "every user of this machine can read the tokens in " + quote(path) +
         "; remove that right with chmod o-rwx";
}

}  // namespace wsd::daemon
