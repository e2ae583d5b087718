// A file with one bearer token: the one for publishing, or the one for the admin listener.
#pragma once

#include <string>
#include <string_view>

#include "daemon/config/read_file.h"

namespace wsd::daemon {

struct TokenFile {
  std::string token;
  std::string error;    // a sentence that quotes nothing of the file; empty if there is no error
  std::string warning;  // see token_mode_warning(); empty if there is none
};

// Reads the token without the white space around it, and checks it with token_error(). `flag`
// named the file, and appears in the error. Waits for the writer of a pipe, without a limit.
[[nodiscard]] TokenFile read_token_file(std::string_view flag, const std::string& path);

// Returns a sentence with the remedy if users other than the owner and the group of `file` may read
// it, else an empty string. For every file that holds tokens.
[[nodiscard]] std::string token_mode_warning(const FileText& file, const std::string& path);

}  // namespace wsd::daemon
