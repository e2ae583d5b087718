// A file with one bearer token: the one for publishing, or the one for the admin listener.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

struct TokenFile {
  std::string token;
  std::string error;  // a sentence that quotes nothing of the file; empty if there is no error
};

// Reads the token without the white space around it, and checks it with token_error(). `flag`
// named the file, and appears in the error.
[[nodiscard]] TokenFile read_token_file(std::string_view flag, const std::string& path);

}  // namespace wsd::daemon
