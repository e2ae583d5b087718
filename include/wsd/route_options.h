// The settings of one WebSocket route, for Server::route().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wsd/options.h"

namespace wsd {

// Overrides for the connections of one route. A field without a value keeps the server's setting.
// The other settings are the server's for all routes. A connection has these settings from its
// opening handshake on, and they cost no memory per connection.
struct RouteOptions {
  // The largest message that a client may send, as in LimitOptions. Messages of the server keep
  // their limit, LimitOptions::max_message_bytes. A route with less than 125 bytes makes small
  // messages of all routes a little slower.
  std::optional<std::size_t> max_message_bytes = {};

  // As in HeartbeatOptions.
  std::optional<std::uint32_t> ping_interval_ms = {};
  std::optional<std::uint32_t> pong_timeout_ms = {};
  std::optional<std::uint32_t> read_timeout_ms = {};

  // As in ClientLimits.
  std::optional<std::uint32_t> max_messages_per_second = {};
  std::optional<std::size_t> max_bytes_per_second = {};

  // As in LimitOptions. The slow policy of a RoomRule takes precedence for the messages of its
  // rooms.
  std::optional<std::size_t> send_queue_bytes = {};
  std::optional<std::uint32_t> send_queue_frames = {};
  std::optional<SlowPolicy> slow_policy = {};

  // As DeflateOptions::mode.
  std::optional<DeflateMode> deflate = {};
  // As UpgradeOptions::subprotocols. An empty list: none.
  std::optional<std::vector<std::string>> subprotocols = {};
};

// Returns the first contradiction or out-of-range value in the settings that the connections of
// such a route have, as a sentence, or an empty string if there is none. check_options() must
// accept `server`. The sentence names a setting of the route by its field, as in
// "max_message_bytes", and another one as check_options() does. Server::start() calls this for each
// route. Any thread.
[[nodiscard]] std::string check_route_options(const RouteOptions& route,
                                              const ServerOptions& server);

}  // namespace wsd
