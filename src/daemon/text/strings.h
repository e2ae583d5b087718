// The pieces of which this daemon's error sentences are made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {

// `text` in double quotes, fit for a terminal: bytes that are not printable ASCII as \xNN, and cut
// after 80 bytes.
[[nodiscard]] std::string quote(std::string_view text);

// `text` as a line: with a newline at its end, added only if it is missing. For the bodies of
// errors.
[[nodiscard]] std::string line_of(std::string_view text);

// `text` without spaces and tabs at its ends. A view into `text`.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

// The pieces of `text` between the separators, empty ones included. Views into `text`.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// The candidate a writer of `word` most likely meant: the one at the least edit distance
// (Levenshtein) if that is small beside the word's length, else the first that `word` begins.
// Empty when none comes near. A copy of one of `candidates`.
[[nodiscard]] std::string_view closest_match(std::string_view word,
                                             const std::vector<std::string_view>& candidates);

}  // namespace wsd::daemon
