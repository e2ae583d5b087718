// Combines the settings of a route with those of the server.
#pragma once

#include "wsd/route_options.h"

namespace wsd::server {

// Returns whether a field has a value that reactors must know.
[[nodiscard]] bool has_settings(const RouteOptions& route) noexcept;

// Returns the options of the server with the values of the route in their place.
[[nodiscard]] ServerOptions route_options(const ServerOptions& server, const RouteOptions& route);

}  // namespace wsd::server
