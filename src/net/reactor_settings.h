// The settings of a reactor, in the units in which it uses them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/tick.h"
#include "net/connection_settings.h"
#include "protocol/trusted_proxies.h"

namespace wsd::net {

// Constant while reactors run. A time or a limit of 0 is off, unless its line says otherwise. The
// base has the settings of connections without a route, and of routes without settings of their
// own.
struct ReactorSettings : ConnectionSettings {
  // By the number of the route. Empty if no route has settings of its own.
  std::vector<ConnectionSettings> routes;
  Tick handshake_timeout = 0;
  Tick response_timeout = 0;
  Tick keep_alive_timeout = 0;
  Tick message_timeout = 0;
  Tick write_timeout = 0;
  Tick close_timeout = 0;
  std::uint32_t max_control_frames_per_second = 0;
  std::size_t max_input_bytes = 0;
  std::size_t max_output_bytes = 0;
  std::uint32_t max_connections = 0;
  bool replace_oldest = false;  // at max_connections: see LimitOptions::replace_oldest
  int descriptor_limit = 0;     // for DescriptorLimit
  // Whether a limit per second must know of every suspension.
  bool notice_suspensions = false;
  std::size_t read_buffer_size = 0;
  Tick drain_delay = 0;
  Tick drain_window = 0;
  Tick drain_timeout = 0;
  int deflate_level = 1;
  std::size_t deflate_threshold = 0;
  protocol::TrustedProxies trusted_proxies;

  // Returns the settings of a connection. `route` may be kNoRoute.
  [[nodiscard]] const ConnectionSettings& of_route(std::uint16_t route) const noexcept {
    return route < routes.size() ? routes[route] : *this;
  }
  // Returns whether every connection accepts messages of `bytes`.
  [[nodiscard]] bool all_accept(std::size_t bytes) const noexcept;
  // Returns whether a connection may have a limit per second on what it receives.
  [[nodiscard]] bool any_receive_rate() const noexcept;
};

}  // namespace wsd::net
