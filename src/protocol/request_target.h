// Parses the request-target of a request line (RFC 9112 §3.2).
#pragma once

#include <optional>
#include <string_view>

namespace wsd::protocol {

struct RequestTarget {
  std::string_view authority;  // of the absolute-form; empty for the origin-form
  std::string_view path;       // begins with '/'; a static "/" if the absolute-form has none
  std::string_view query;      // without the '?'
};

// Parses the origin-form and the absolute-form with an http, https, ws or wss scheme. Accepts the
// characters of RFC 3986, and those that browsers send unencoded: see is_target_byte() in
// syntax.h and is_path_byte() in the source.
//
// Returns std::nullopt for any other form, for %00, and for paths that normalization could change:
// those with a backslash, and those with a "." or ".." between slashes, also if they are
// percent-encoded. An encoded slash does not separate segments otherwise, and the application gets
// it as a part of the segment.
[[nodiscard]] std::optional<RequestTarget> parse_request_target(std::string_view target) noexcept;

}  // namespace wsd::protocol
