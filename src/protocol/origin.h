// Origin (RFC 6454) compared for the handshake's access rule (RFC 6455 §10.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

// Whether a request with this Origin may connect: it is an http or https origin whose host and port
// are the Host field's (the port a scheme implies counts as equal to none: http 80, https 443), or
// it equals an entry of `allowed` in scheme, host and port, or an entry is "*". Hosts compare
// without ASCII case, all else exactly; "null" and anything that is not one serialized origin
// matches "*" alone.
[[nodiscard]] bool origin_allowed(std::string_view origin, std::string_view host,
                                  const std::vector<std::string>& allowed) noexcept;

// Whether `text` may stand in an allow list: "*" or scheme "://" host [":" port], nothing after,
// and no "*" within.
[[nodiscard]] bool is_origin_pattern(std::string_view text) noexcept;

}  // namespace wsd::protocol
