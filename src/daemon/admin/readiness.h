// Whether load balancers should send clients to the server.
#pragma once

#include <wsd/stats.h>

#include <cstdint>
#include <string>

namespace wsd::daemon {

// Returns why the server is not ready, as a clause for /readyz, or an empty string. `now_ms` is the
// time since 1970-01-01 00:00 UTC.
[[nodiscard]] std::string not_ready_reason(bool draining, const HistoryLogFigures& log,
                                           std::uint64_t now_ms);

}  // namespace wsd::daemon
