// A file with one secret: the bearer token for publishing or for the admin listener, or the
// password for the engine.
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

// Reads the password for another server: the file without the line break at its end. It may contain
// all other bytes but control bytes, and has 1 to 512 of them. The result's fields mean the same.
[[nodiscard]] TokenFile read_password_file(std::string_view flag, const std::string& path);

// Returns a sentence with the remedy if users other than the owner and the group of `file` may read
// it, else an empty string. For every file that holds tokens.
[[nodiscard]] std::string token_mode_warning(const FileText& file, const std::string& path);

}  // namespace wsd::daemon
