#include "protocol/query.h"

#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

// Removes the first character from `text`, which must not be empty, and returns it decoded.
char take_decoded(std::string_view& text) noexcept {
  const int byte = percent_decoded(text);
  const char c = byte >= 0 ? static_cast<char>(byte) : text.front() == '+' ? ' ' : text.front();
  text.remove_prefix(byte >= 0 ? 3 : 1);
  return c;
}

bool decodes_to(std::string_view encoded, std::string_view text) noexcept {
  while (!encoded.empty()) {
    if (text.empty() || take_decoded(encoded) != text.front()) return false;
    text.remove_prefix(1);
  }
  return text.empty();
}

}  // namespace

std::optional<std::string_view> find_query_param(std::string_view query,
                                                 std::string_view name) noexcept {
  for (;;) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    // §5.1 step 3.1: empty sequences between two "&" are no parameters.
    if (!pair.empty() && decodes_to(pair.substr(0, equals), name)) {
      return equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    }
    if (end == std::string_view::npos) return std::nullopt;
    query.remove_prefix(end + 1);
  }
}

std::string decode_query_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) out += take_decoded(text);
  return out;
}

}  // namespace wsd::protocol
