#include "daemon/rooms/idempotency_key.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kMostBytes = 255;

// Returns the text of a quoted string, or std::nullopt if it is not one.
std::optional<std::string> unquoted(std::string_view field) {
  std::string text;
  for (std::size_t i = 1; i < field.size(); ++i) {
    if (field[i] == '"') return i + 1 == field.size() ? std::optional(text) : std::nullopt;
    if (field[i] == '\\') {
      ++i;
      if (i == field.size() || (field[i] != '"' && field[i] != '\\')) return std::nullopt;
    }
    text += field[i];
  }
  return std::nullopt;  // it does not end
}

}  // namespace

IdempotencyKey parse_idempotency_key(std::string_view field) {
  field = trimmed(field);
  const bool is_quoted = field.starts_with('"');
  const std::optional<std::string> text =
      is_quoted ? unquoted(field) : std::optional(std::string(field));
  const bool fits =
      text && !text->empty() && text->size() <= kMostBytes &&
      std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!fits) {
    return {"",
            "the Idempotency-Key is not valid: use 1 to 255 visible ASCII characters, without "
            "spaces, such as a UUID"};
  }
  return {*text, ""};
}

IdempotencyKey idempotency_key_of(const Request& request) {
  const std::vector<std::string_view> fields = request.headers("Idempotency-Key");
  if (fields.empty()) return {};
  if (fields.size() > 1) {
    return {"", "the request has more than one Idempotency-Key: send only one"};
  }
  return parse_idempotency_key(fields.front());
}

}  // namespace wsd::daemon
