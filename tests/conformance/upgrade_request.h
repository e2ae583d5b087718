// The opening handshake in the role of the server (RFC 6455, section 4).
#pragma once

#include <string>
#include <string_view>

#include "conformance/link.h"

namespace wsconform {

struct UpgradeRequest {
  std::string path = {};
  std::string query = {};  // without the question mark
  std::string key = {};
  std::string extensions = {};
  std::string problem = {};  // why the request is not a correct opening handshake
};

[[nodiscard]] UpgradeRequest parse_upgrade_request(const Link::Head& head);
// Returns the head of the 101 response. `extensions` may be empty.
[[nodiscard]] std::string upgrade_response(const UpgradeRequest& request,
                                           const std::string& extensions);

// Returns the value of a parameter such as "case" in "case=1&agent=x", or an empty string.
[[nodiscard]] std::string query_value(std::string_view query, std::string_view name);

}  // namespace wsconform
