#include "daemon/text/strings.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace wsd::daemon {
namespace {

constexpr std::size_t kQuotedMax = 80;
// A suggestion at a larger distance would be a guess. The limit also bounds the work for a hostile
// configuration file.
constexpr std::size_t kDistanceMax = 4;
constexpr std::size_t kPrefixMin = 3;

std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string quote(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text.substr(0, kQuotedMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e) {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xfU];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  if (text.size() > kQuotedMax) out += "...";
  return out += '"';
}

std::string line_of(std::string_view text) {
  return std::string(text).append(text.ends_with('\n') ? "" : "\n");
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

std::string_view closest_match(std::string_view word,
                               const std::vector<std::string_view>& candidates) {
  std::size_t least = std::min(kDistanceMax, std::max<std::size_t>(1, word.size() / 3)) + 1;
  std::string_view best;
  for (const std::string_view candidate : candidates) {
    // The distance is at least the difference of the lengths, so such candidates can be skipped.
    if (candidate.size() + least <= word.size()) continue;
    if (word.size() + least <= candidate.size()) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  if (!best.empty() || word.size() < kPrefixMin) return best;
  const auto begun =
      std::find_if(candidates.begin(), candidates.end(),
                   [&](std::string_view candidate) { return candidate.starts_with(word); });
  return begun == candidates.end() ? std::string_view{} : *begun;
}

}  // namespace wsd::daemon
