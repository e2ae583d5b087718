// Helpers for the heads of HTTP/1.1 requests and responses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wsconform {

[[nodiscard]] std::string_view trimmed(std::string_view text);
// Compares without regard to case.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b);
// Returns all values of the header field, joined by commas, or nothing if there is none. `head`
// ends before its empty line.
[[nodiscard]] std::optional<std::string> field(std::string_view head, std::string_view name);
// Returns true if the list, which commas separate, has the token. Compares without regard to case.
[[nodiscard]] bool has_token(std::string_view list, std::string_view token);

}  // namespace wsconform
