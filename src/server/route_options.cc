#include "server/route_options.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace wsd {
namespace {

// The fields of RouteOptions, by the names that check_options() gives them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kFields{
    {{"limits.max_message_bytes", "max_message_bytes"},
     {"heartbeat.ping_interval_ms", "ping_interval_ms"},
     {"heartbeat.pong_timeout_ms", "pong_timeout_ms"},
     {"heartbeat.read_timeout_ms", "read_timeout_ms"},
     {"rates.max_messages_per_second", "max_messages_per_second"},
     {"rates.max_bytes_per_second", "max_bytes_per_second"},
     {"limits.send_queue_bytes", "send_queue_bytes"},
     {"limits.send_queue_frames", "send_queue_frames"},
     {"limits.slow_policy", "slow_policy"},
     {"deflate.mode", "deflate"},
     {"upgrade.subprotocols", "subprotocols"}}};

}  // namespace

std::string check_route_options(const RouteOptions& route, const ServerOptions& server) {
  ServerOptions there = server::route_options(server, route);
  there.option_name = [&server](std::string_view field) {
    const auto* const found = std::find_if(kFields.begin(), kFields.end(),
                                           [&](const auto& each) { return each.first == field; });
    if (found != kFields.end()) return std::string(found->second);
    return server.option_name ? server.option_name(field) : std::string(field);
  };
  return check_options(there);
}

namespace server {

bool has_settings(const RouteOptions& route) noexcept {
  return route.max_message_bytes || route.ping_interval_ms || route.pong_timeout_ms ||
         route.read_timeout_ms || route.max_messages_per_second || route.max_bytes_per_second ||
         route.send_queue_bytes || route.send_queue_frames || route.slow_policy;
}

ServerOptions route_options(const ServerOptions& server, const RouteOptions& route) {
  ServerOptions there = server;
  const auto replace = [](auto& field, const auto& value) {
    if (value) field = *value;
  };
  replace(there.limits.max_message_bytes, route.max_message_bytes);
  replace(there.heartbeat.ping_interval_ms, route.ping_interval_ms);
  replace(there.heartbeat.pong_timeout_ms, route.pong_timeout_ms);
  replace(there.heartbeat.read_timeout_ms, route.read_timeout_ms);
  replace(there.rates.max_messages_per_second, route.max_messages_per_second);
  replace(there.rates.max_bytes_per_second, route.max_bytes_per_second);
  replace(there.limits.send_queue_bytes, route.send_queue_bytes);
  replace(there.limits.send_queue_frames, route.send_queue_frames);
  replace(there.limits.slow_policy, route.slow_policy);
  replace(there.deflate.mode, route.deflate);
  replace(there.upgrade.subprotocols, route.subprotocols);
  return there;
}

}  // namespace server
}  // namespace wsd
