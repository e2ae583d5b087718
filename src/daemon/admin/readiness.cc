#include "daemon/admin/readiness.h"

#include <algorithm>

namespace wsd::daemon {

std::string not_ready_reason(bool draining, const HistoryLogFigures& log, std::uint64_t now_ms) {
  if (draining) return "the server is draining";
  if (!log.failed) return {};
  // The system clock may have been set back since the failure.
  const std::uint64_t seconds = (now_ms - std::min(now_ms, log.failed_since_ms)) / 1'000;
  return "history log failed for " + std::to_string(seconds) + " s: " + log.error;
}

}  // namespace wsd::daemon
