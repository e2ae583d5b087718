// The token that callers of the admin listener bring (RFC 6750 §2.1). Never logged, never in an
// error.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

struct AdminToken {
  std::string text;
  std::string error;  // a sentence; empty when there is none
};

// The token in the file, without the white space around it.
[[nodiscard]] AdminToken read_admin_token(const std::string& path);

// Whether an Authorization field's value brings `token`; see same_secret().
[[nodiscard]] bool brings_token(std::string_view authorization, std::string_view token);

}  // namespace wsd::daemon
