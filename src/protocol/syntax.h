// Character classes and small parsers shared by HTTP fields and URIs (RFC 9110 §5.6, RFC 3986 §2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wsd::protocol {

namespace syntax {

inline constexpr std::uint8_t kTchar = 1;       // RFC 9110 §5.6.2
inline constexpr std::uint8_t kUnreserved = 2;  // RFC 3986 §2.3
inline constexpr std::uint8_t kSubDelim = 4;    // RFC 3986 §2.2
inline constexpr std::uint8_t kHexDigit = 8;
inline constexpr std::uint8_t kAlpha = 16;
inline constexpr std::uint8_t kDigit = 32;
inline constexpr std::uint8_t kTarget = 64;    // is_target_byte()
inline constexpr std::uint8_t kRegName = 128;  // RFC 3986 §3.2.2, without '%' and ','

constexpr std::array<std::uint8_t, 256> make_classes() noexcept {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&classes](std::string_view characters, int bits) {
    for (const char c : characters) {
      std::uint8_t& slot = classes[static_cast<std::uint8_t>(c)];
      slot = static_cast<std::uint8_t>(slot | bits);
    }
  };
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", kTchar | kUnreserved | kAlpha);
  add("0123456789", kTchar | kUnreserved | kHexDigit | kDigit);
  add("abcdefABCDEF", kHexDigit);
  add("!#$%&'*+-.^_`|~", kTchar);
  add("-._~", kUnreserved);
  add("!$&'()*+,;=", kSubDelim);
  for (int c = '!'; c <= '~'; ++c) {
    const char text = static_cast<char>(c);
    if (c != '"' && c != '#' && c != '<' && c != '>') add({&text, 1}, kTarget);
  }
  constexpr int kName = kUnreserved | kSubDelim;
  for (std::uint8_t& slot : classes) {
    if ((slot & kName) != 0) slot = static_cast<std::uint8_t>(slot | kRegName);
  }
  classes[','] = static_cast<std::uint8_t>(classes[','] & ~kRegName);
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

}  // namespace syntax

[[nodiscard]] constexpr bool has_class(char c, std::uint8_t bits) noexcept {
  return (syntax::kClasses[static_cast<std::uint8_t>(c)] & bits) != 0;
}

[[nodiscard]] constexpr bool is_tchar(char c) noexcept { return has_class(c, syntax::kTchar); }
[[nodiscard]] constexpr bool is_digit(char c) noexcept { return has_class(c, syntax::kDigit); }
[[nodiscard]] constexpr bool is_alpha(char c) noexcept { return has_class(c, syntax::kAlpha); }
[[nodiscard]] constexpr bool is_hex_digit(char c) noexcept {
  return has_class(c, syntax::kHexDigit);
}

// More than RFC 3986 §3.4 allows, because browsers send "[]{}|^\\`" and a lone '%' unencoded
// (WHATWG URL §1.3, query percent-encode set). The query is not split, so it cannot be misread.
[[nodiscard]] constexpr bool is_target_byte(char c) noexcept {
  return has_class(c, syntax::kTarget);
}

// RFC 3986 §3.3, without the '%' of pct-encoded.
[[nodiscard]] constexpr bool is_pchar(char c) noexcept {
  return has_class(c, syntax::kUnreserved | syntax::kSubDelim) || c == ':' || c == '@';
}

// OWS of RFC 9110 §5.6.3.
[[nodiscard]] constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

[[nodiscard]] constexpr bool is_control_byte(char c) noexcept {
  return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f;
}

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Returns the value of a digit that is_hex_digit() accepts.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  return is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10;
}

// Returns the byte encoded by a pct-encoded triplet at the start of `text` (RFC 3986 §2.1), or -1
// if there is no valid triplet.
[[nodiscard]] constexpr int percent_decoded(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '%' || !is_hex_digit(text[1]) || !is_hex_digit(text[2])) {
    return -1;
  }
  return hex_value(text[1]) * 16 + hex_value(text[2]);
}

[[nodiscard]] constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Iterates over the elements of a comma-separated list without quoted strings (RFC 9110 §5.6.1).
// Empty elements are included.
class ListCursor {
 public:
  explicit constexpr ListCursor(std::string_view list) noexcept : rest_(list) {}

  // Returns false if there is no further element.
  [[nodiscard]] constexpr bool next(std::string_view& element) noexcept {
    if (done_) return false;
    const std::size_t comma = rest_.find(',');
    element = trim_blanks(rest_.substr(0, comma));
    done_ = comma == std::string_view::npos;
    if (!done_) rest_.remove_prefix(comma + 1);
    return true;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

}  // namespace wsd::protocol
