// Implements the helpers of the public Request, which work with its virtual functions.
#include "protocol/cookie.h"
#include "protocol/query.h"
#include "wsd/http.h"

namespace wsd {

std::optional<std::string_view> Request::cookie(std::string_view name) const {
  // A client sends one field (RFC 6265 §5.4), and a proxy for HTTP/2 may split it (RFC 9113
  // §8.2.3).
  for (const std::string_view field : headers("Cookie")) {
    if (const auto value = protocol::find_cookie(field, name)) return value;
  }
  return std::nullopt;
}

std::optional<std::string> Request::query_param(std::string_view name) const {
  const auto value = protocol::find_query_param(query(), name);
  if (!value) return std::nullopt;
  return protocol::decode_query_text(*value);
}

}  // namespace wsd
