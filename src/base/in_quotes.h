// Bytes that a peer chose, in a sentence.
#pragma once

#include <string>
#include <string_view>

namespace wsd {

// Returns the text in single quotes. Control bytes, quotes, backslashes and bytes above 0x7E are
// written as \xNN. What exceeds 64 bytes is replaced by "...".
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace wsd
