#include "protocol/cookie.h"

#include <algorithm>

#include "protocol/http_request.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

// RFC 6265 §4.1.1.
bool is_cookie_octet(char c) noexcept {
  return c > ' ' && c <= '~' && c != '"' && c != ',' && c != ';' && c != '\\';
}

bool is_cookie_value(std::string_view text) noexcept {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
    text = text.substr(1, text.size() - 2);
  }
  return std::all_of(text.begin(), text.end(), &is_cookie_octet);
}

}  // namespace

std::optional<std::string_view> find_cookie(std::string_view field,
                                            std::string_view name) noexcept {
  if (!is_token(name)) return std::nullopt;
  for (;;) {
    const std::size_t end = field.find(';');
    const std::string_view pair = trim_blanks(field.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      const std::string_view value = pair.substr(equals + 1);
      if (is_cookie_value(value)) return value;
    }
    if (end == std::string_view::npos) return std::nullopt;
    field.remove_prefix(end + 1);
  }
}

}  // namespace wsd::protocol
