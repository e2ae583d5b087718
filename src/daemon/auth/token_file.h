// A file that holds one bearer token, for those that are asked for by a single one: who publishes,
// and who sees the admin listener.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

struct TokenFile {
  std::string token;
  std::string error;  // a sentence that has nothing of the file in it; empty when there is none
};

// The token without the white space around it; it has to be one by token_error(). `flag` is what
// named the file, for the sentence.
[[nodiscard]] TokenFile read_token_file(std::string_view flag, const std::string& path);

}  // namespace wsd::daemon
