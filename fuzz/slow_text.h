// Small grammars by hand, so that the code of src/protocol is not checked against itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::fuzz {

using Strings = std::vector<std::string>;

inline std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return text;
}

// RFC 9110 §5.6.2.
inline bool token(const std::string& text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  for (const char c : text) {
    const char letter = static_cast<char>(c | 0x20);
    if ((letter < 'a' || letter > 'z') && (c < '0' || c > '9') &&
        kOthers.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return !text.empty();
}

inline std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Returns the elements of a comma-separated list (RFC 9110 §5.6.1), trimmed, including empty ones.
inline Strings list_elements(const std::string& list) {
  Strings elements;
  std::string rest = list + ',';
  for (std::size_t comma = 0; (comma = rest.find(',')) != std::string::npos;) {
    elements.push_back(trimmed(rest.substr(0, comma)));
    rest.erase(0, comma + 1);
  }
  return elements;
}

}  // namespace wsd::fuzz
