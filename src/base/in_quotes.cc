#include "base/in_quotes.h"

namespace wsd {

std::string in_quotes(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kMost = 64;
  std::string result = "'";
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7E || c == '\'' || c == '\\') {
      result.append("\\x").append({kDigits[byte >> 4U], kDigits[byte & 15U]});
    } else {
      result.push_back(c);
    }
  }
  return result.append(text.size() > kMost ? "...'" : "'");
}

}  // namespace wsd
