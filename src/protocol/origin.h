// Origin (RFC 6454) compared for the handshake's access rule (RFC 6455 §10.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

// Whether a request with this Origin may connect: it is an http or https origin whose host and port
// are the Host field's (the port a scheme implies counts as equal to none: http 80, https 443), or
// it matches an entry of `allowed`. An entry is an origin, equal in scheme, host and port; or
// "https://*.example.com", of which the host stands for every one with one or more labels before
// ".example.com", and scheme and port are as exact; or "*". Hosts compare without ASCII case, all
// else exactly; "null" and anything that is not one serialized origin matches "*" alone.
[[nodiscard]] bool origin_allowed(std::string_view origin, std::string_view host,
                                  const std::vector<std::string>& allowed) noexcept;

// What may connect, for people: "the same host, or one of: 'https://a.example'". At most eight
// entries, each cut at 128 bytes.
[[nodiscard]] std::string origin_rules(const std::vector<std::string>& allowed);

// Says to a client why it was refused. What it has sent is escaped and cut.
[[nodiscard]] std::string origin_refusal(std::string_view origin, std::string_view host,
                                         const std::vector<std::string>& allowed);

// Whether `text` may stand in an allow list: "*" or scheme "://" ["*."] host [":" port], nothing
// after, and no "*" anywhere else. An address cannot follow "*.".
[[nodiscard]] bool is_origin_pattern(std::string_view text) noexcept;

}  // namespace wsd::protocol
