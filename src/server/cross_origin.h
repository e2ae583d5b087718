// Responses to web pages of other origins: the CORS protocol (Fetch, section 3.2).
#pragma once

#include <string>
#include <string_view>

#include "protocol/handshake.h"
#include "protocol/http_request.h"
#include "wsd/options.h"

namespace wsd::server {

// Returns the header fields that let a page read the response to `request`, as lines. If the page's
// origin is not allowed, the fields only tell caches that responses differ (RFC 9110 §12.5.5). The
// result is empty if HttpOptions::cross_origin is off or no other origin is allowed.
[[nodiscard]] std::string cross_origin_lines(const ServerOptions& options,
                                             const protocol::HttpRequest& request);

// Inserts `lines` into a complete response, unless the application has decided about other origins
// with a field of its own.
void insert_lines(std::string& response, std::string_view lines);

// Returns whether `request` is a preflight (Fetch, section 4.8) that the server must answer:
// cross_origin is on, and other origins are allowed.
[[nodiscard]] bool is_preflight(const ServerOptions& options, const protocol::HttpRequest& request);

// Returns the fields of the response to a preflight from an allowed origin, in addition to
// cross_origin_lines(). `methods` are those of the route, separated by commas.
[[nodiscard]] protocol::HeaderList preflight_fields(const HttpOptions& options,
                                                    const protocol::HttpRequest& request,
                                                    std::string_view methods);

// Returns the text of the response to a request whose Host is not allowed. See
// protocol::host_refusal().
[[nodiscard]] std::string host_refusal(const ServerOptions& options, std::string_view host);

}  // namespace wsd::server
