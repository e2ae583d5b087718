// Converts ServerOptions into the settings and units that reactors and shards use. All functions
// here need options that check_options() has accepted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/usable_cpus.h"
#include "hub/room_config.h"
#include "hub/room_history.h"
#include "net/reactor_settings.h"
#include "server/route_options.h"
#include "wsd/options.h"

namespace wsd::server {

// Returns the settings of each reactor. `routes` has the options of the WebSocket routes, by their
// number.
[[nodiscard]] net::ReactorSettings reactor_settings(const ServerOptions& options,
                                                    const std::vector<RouteOptions>& routes = {});

// Returns the history options of the rooms that match `rule`: the server's, with the values of the
// rule in their place. check_options() calls it with options that it has not accepted yet.
[[nodiscard]] HistoryOptions history_options(const ServerOptions& options, const RoomRule& rule);

// Returns the history limits of each of `shards` shards, which share the total memory equally.
[[nodiscard]] hub::HistoryLimits history_limits(const ServerOptions& options, std::uint32_t shards);

// Returns the room rules of each of `shards` shards.
[[nodiscard]] std::vector<hub::RoomConfigRule> room_config_rules(const ServerOptions& options,
                                                                 std::uint32_t shards);

// Returns a delivery window in the unit of hub::RoomConfig.
[[nodiscard]] std::uint64_t window_ns(std::uint32_t window_ms) noexcept;

// Returns whether a message that is already queued may be dropped on a connection whose route has
// the slow policy `policy`: by that policy or by a room rule.
[[nodiscard]] bool drops_queued(const ServerOptions& options, SlowPolicy policy) noexcept;

// The number of reactors to run, and the reason for it, a clause for the log.
struct ReactorCount {
  std::uint32_t count = 1;
  std::string reason;
};

// Returns options.reactors. If that is 0, returns one per CPU that the process may use, at most
// hub::Hub::kMaxShards. The first function finds out the CPUs itself.
[[nodiscard]] ReactorCount reactor_count(const ServerOptions& options);
[[nodiscard]] ReactorCount reactor_count(const ServerOptions& options, const UsableCpus& cpus);

}  // namespace wsd::server
