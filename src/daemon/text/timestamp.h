// Points in time as text.
#pragma once

#include <cstdint>
#include <string>

namespace wsd::daemon {

// Returns `unix_ms`, milliseconds since 1970-01-01 00:00 UTC, as RFC 3339 writes it in UTC:
// "2026-11-30T12:00:00.250Z".
[[nodiscard]] std::string timestamp(std::uint64_t unix_ms);

}  // namespace wsd::daemon
