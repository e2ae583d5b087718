// Quoting, trimming, splitting and suggestions, mostly for error sentences.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {

// Returns `text` in double quotes, safe for a terminal: bytes outside printable ASCII become \xNN,
// and the text is cut after 80 bytes.
[[nodiscard]] std::string quote(std::string_view text);

// Returns `text` with a newline at its end, for the bodies of error responses.
[[nodiscard]] std::string line_of(std::string_view text);

// Returns `text` without spaces and tabs at its ends, as a view into `text`.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

// Returns `text` with its ASCII letters in lower case.
[[nodiscard]] std::string lower_case(std::string_view text);

// Returns the pieces of `text` between the separators, also the empty ones, as views into `text`.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// Returns the candidate that `word` most likely stands for: the one with the smallest edit distance
// (Levenshtein), if that is small compared with the word's length. Otherwise returns the first
// candidate that begins with `word`, or an empty view.
[[nodiscard]] std::string_view closest_match(std::string_view word,
                                             const std::vector<std::string_view>& candidates);

}  // namespace wsd::daemon
