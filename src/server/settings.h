// From what an embedder writes to the units that the reactors use.
#pragma once

#include <cstdint>
#include <vector>

#include "hub/room_config.h"
#include "hub/room_history.h"
#include "net/reactor_context.h"
#include "wsd/options.h"

namespace wsd::server {

// `options` have passed check_options().
[[nodiscard]] net::ReactorSettings settings_of(const ServerOptions& options);

// For each of `shards`.
[[nodiscard]] hub::HistoryLimits history_limits(const ServerOptions& options, std::uint32_t shards);

// Likewise, for the rooms that are different.
[[nodiscard]] std::vector<hub::RoomConfigRule> room_config_rules(const ServerOptions& options,
                                                                 std::uint32_t shards);

// Whether a message may be dropped that was queued before, in some room or in all.
[[nodiscard]] bool drops_queued(const ServerOptions& options) noexcept;

// How many reactors to run: options.reactors, or one for each core.
[[nodiscard]] std::uint32_t reactor_count(const ServerOptions& options);

}  // namespace wsd::server
