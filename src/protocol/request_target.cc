#include "protocol/request_target.h"

#include <algorithm>
#include <cstddef>

#include "protocol/authority.h"
#include "protocol/http_request.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

// More than RFC 3986 §3.3 allows. Browsers send "[]|", a lone '%' and in older versions '^'
// unencoded (WHATWG URL §1.3, path percent-encode set), and other clients "{}`" too. Some readers
// take a backslash for a slash, so only that is excluded.
bool is_path_byte(char c) noexcept { return is_target_byte(c) && c != '\\'; }

bool is_query(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), is_target_byte);
}

// RFC 3986 §3.3 path-abempty without dot segments. §5.2.4 would remove them. A client that sends
// them did not normalize, and a proxy may have checked a different path. An encoded slash or
// backslash counts as a separator here, because a proxy may decode it first.
bool is_plain_path(std::string_view text) noexcept {
  std::size_t dots = 0;
  bool only_dots = true;
  const auto is_dot_segment = [&] { return only_dots && (dots == 1 || dots == 2); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (has_class(text[i], syntax::kAlpha)) {
      only_dots = false;
      continue;
    }
    int byte = static_cast<unsigned char>(text[i]);
    if (const int decoded = percent_decoded(text.substr(i)); decoded >= 0) {
      if (decoded == 0) return false;
      byte = decoded;
      i += 2;
    } else if (!is_path_byte(text[i])) {
      return false;
    }
    if (byte == '/' || byte == '\\') {
      if (is_dot_segment()) return false;
      dots = 0;
      only_dots = true;
    } else if (byte == '.') {
      ++dots;
    } else {
      only_dots = false;
    }
  }
  return !is_dot_segment();
}

bool is_served_scheme(std::string_view scheme) noexcept {
  for (const std::string_view served : {"http", "https", "ws", "wss"}) {
    if (equals_ignore_case(scheme, served)) return true;  // RFC 3986 §3.1
  }
  return false;
}

}  // namespace

std::optional<RequestTarget> parse_request_target(std::string_view target) noexcept {
  RequestTarget result;
  if (!target.starts_with('/')) {  // RFC 9112 §3.2.2: absolute-form MUST be accepted
    const std::size_t scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return {};
    if (!is_served_scheme(target.substr(0, scheme_end))) return {};
    target.remove_prefix(scheme_end + 3);
    const std::size_t authority_end = target.find_first_of("/?");
    result.authority = target.substr(0, authority_end);
    // RFC 9110 §4.2.4: userinfo is an error; §4.2.1: so is an empty host.
    if (!parse_authority(result.authority)) return {};
    target.remove_prefix(result.authority.size());
  }
  const std::size_t question = target.find('?');
  result.path = target.substr(0, question);
  if (question != std::string_view::npos) result.query = target.substr(question + 1);
  if (!is_plain_path(result.path) || !is_query(result.query)) return {};
  if (result.path.empty()) result.path = "/";  // RFC 9110 §4.2.3
  return result;
}

}  // namespace wsd::protocol
