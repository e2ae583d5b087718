#include "daemon/auth/token_file.h"

#include <algorithm>
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

TokenFile read_password_file(std::string_view flag, const std::string& path) {
  FileText file = read_file({"password file", flag}, path);
  if (!file.error.empty()) return {{}, std::move(file.error), {}};
  std::string_view password = file.text;
  if (password.ends_with('\n')) password.remove_suffix(1);
  if (password.ends_with('\r')) password.remove_suffix(1);
  constexpr std::size_t kMostBytes = 512;
  const bool odd = std::any_of(password.begin(), password.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (!password.empty() && password.size() <= kMostBytes && !odd) {
    std::string warning;
    if (file.open_to_all) {
      warning = "every user of this machine can read the password in " + quote(path) +
                "; remove that right with chmod o-rwx";
    }
    return {std::string(password), {}, std::move(warning)};
  }
  return {{},
          quote(path) + ", the file of " + std::string(flag) +
              ", is not one line of 1 to 512 bytes without control bytes: write the password and "
              "nothing else into it",
          {}};
}

std::string token_mode_warning(const FileText& file, const std::string& path) {
  if (!file.open_to_all) return {};
  return "every user of this machine can read the tokens in " + quote(path) +
         "; remove that right with chmod o-rwx";
}

}  // namespace wsd::daemon
