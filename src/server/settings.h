// From what an embedder writes to the units that the reactors use.
#pragma once

#include "hub/room_history.h"
#include "net/turn.h"
#include "wsd/options.h"

namespace wsd::server {

// `options` have passed check_options().
[[nodiscard]] net::Settings settings_of(const ServerOptions& options);

// For each of `shards`.
[[nodiscard]] hub::HistoryLimits history_limits(const ServerOptions& options, std::uint32_t shards);

// How many reactors to run: options.reactors, or one for each core.
[[nodiscard]] std::uint32_t reactor_count(const ServerOptions& options);

}  // namespace wsd::server
