// Whether load balancers should send clients to the server.
#pragma once

#include <wsd/stats.h>

#include <cstdint>
#include <string>

namespace wsd::daemon {

// Returns why the server is not ready, as a clause for /readyz, or an empty string. `now_ms` is the
// time since 1970-01-01 00:00 UTC. An engine that was ready before counts as down only after
// `engine_timeout_ms`, because clients lose nothing in a short interruption.
[[nodiscard]] std::string not_ready_reason(const ServerStats& stats, std::uint64_t now_ms,
                                           std::uint32_t engine_timeout_ms);

}  // namespace wsd::daemon
