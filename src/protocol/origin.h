// Compares Origin (RFC 6454) for the access rule of the handshake (RFC 6455 §10.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

// Returns whether `origin` matches an entry of `allowed`, as described below. Unlike the rule of
// the same origin, this does not depend on the host that a request names.
[[nodiscard]] bool origin_listed(std::string_view origin,
                                 const std::vector<std::string>& allowed) noexcept;

// Returns whether a request with this Origin may connect.
//
// It may if `origin` is an http or https origin with the host and port of the Host field. A missing
// port counts as the scheme's default (http 80, https 443). It also may if it matches an entry of
// `allowed`. An entry is one of these:
// - An origin, which must be equal in scheme, host and port.
// - "https://*.example.com", which matches every host with one or more labels before
//   ".example.com". Scheme and port must be equal.
// - "null" or "file://", which match exactly. Browsers send them for local files, and "null" also
//   for sandboxed frames.
// - "*", which matches everything.
// Hosts are compared without ASCII case, everything else exactly. Any text that is not a single
// serialized origin matches only "*".
[[nodiscard]] bool origin_allowed(std::string_view origin, std::string_view host,
                                  const std::vector<std::string>& allowed) noexcept;

// Describes the allowed origins for people: "the same host, or one of: 'https://a.example'". Lists
// at most eight entries, each shortened to 128 bytes.
[[nodiscard]] std::string origin_rules(const std::vector<std::string>& allowed);

// Returns a text that tells a client why its origin was rejected. Its own input is escaped and
// shortened.
[[nodiscard]] std::string origin_refusal(std::string_view origin, std::string_view host,
                                         const std::vector<std::string>& allowed);

// Returns whether `text` may be an entry of an allow list: "*", "null", "file://", or scheme
// "://" ["*."] host [":" port] with nothing after it and no other "*". An IP address cannot follow
// "*.".
[[nodiscard]] bool is_origin_pattern(std::string_view text) noexcept;

}  // namespace wsd::protocol
