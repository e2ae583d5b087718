// Decodes a chunked body slowly by RFC 9112 §7.1, with all bytes available. It is as strict as the
// header of ChunkedBody promises, and serves as the reference for the real decoder.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/chunked_body.h"
#include "slow_text.h"

namespace wsd::fuzz {

struct SlowBody {
  std::size_t size = 0;  // with all chunks and trailer fields
  std::string body;
};

inline void drop_blanks(std::string& text) {
  text.erase(0, std::min(text.find_first_not_of(" \t"), text.size()));
}

// Removes the longest token from the front of `text`. Returns false if there is none.
inline bool drop_token(std::string& text) {
  std::size_t size = 0;
  while (size < text.size() && token(text.substr(0, size + 1))) ++size;
  text.erase(0, size);
  return size != 0;
}

inline bool has_control_byte(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<std::uint8_t>(c) < ' ' && c != '\t') || c == '\x7F';
  });
}

// Removes a quoted-string (RFC 9110 §5.6.4) from the front of `text`. Returns false if there is
// none.
inline bool drop_quoted(std::string& text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (!text.starts_with('"') || end >= text.size()) return false;
  const bool plain = !has_control_byte(text.substr(0, end));
  text.erase(0, end + 1);
  return plain;
}

// RFC 9112 §7.1.1.
inline bool are_extensions(std::string text) {
  while (!text.empty()) {
    drop_blanks(text);
    if (!text.starts_with(';')) return false;
    text.erase(0, 1);
    drop_blanks(text);
    if (!drop_token(text)) return false;
    std::string after = text;
    drop_blanks(after);
    if (!after.starts_with('=')) continue;
    after.erase(0, 1);
    drop_blanks(after);
    if (!drop_token(after) && !drop_quoted(after)) return false;
    text = after;
  }
  return true;
}

// RFC 9112 §7.1.2. Returns the size of the section, or nothing.
inline std::optional<std::size_t> trailer_size(std::string_view text) {
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find("\r\n", at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string line(text.substr(at, end - at));
    at = end + 2;
    if (line.empty()) return at;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || !token(line.substr(0, colon))) return std::nullopt;
    if (has_control_byte(line)) return std::nullopt;
  }
}

// Returns nothing if `text` does not begin with a complete body that must be accepted.
inline std::optional<SlowBody> read_chunks_slowly(std::string_view text,
                                                  const protocol::ChunkedLimits& limits) {
  SlowBody result;
  std::size_t extensions = 0;
  for (std::uint64_t size = 1; size != 0;) {
    const std::size_t end = text.find("\r\n", result.size);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string line(text.substr(result.size, end - result.size));
    const std::size_t digits =
        std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
    if (digits == 0 || digits > 16) return std::nullopt;
    size = std::stoull(line.substr(0, digits), nullptr, 16);
    extensions += line.size() - digits;
    if (extensions > limits.max_extension_bytes || !are_extensions(line.substr(digits))) {
      return std::nullopt;
    }
    if (size > limits.max_body_bytes - result.body.size()) return std::nullopt;
    result.size = end + 2;
    if (size == 0) break;
    const auto length = static_cast<std::size_t>(size);
    const std::string_view data = text.substr(result.size);
    if (data.size() < length || !data.substr(length).starts_with("\r\n")) return std::nullopt;
    result.body += data.substr(0, length);
    result.size += length + 2;
  }
  const auto trailer = trailer_size(text.substr(result.size));
  if (!trailer || *trailer > limits.max_trailer_bytes) return std::nullopt;
  result.size += *trailer;
  return result;
}

}  // namespace wsd::fuzz
