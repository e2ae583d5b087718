#include "daemon/admin/readiness.h"

#include <algorithm>

namespace wsd::daemon {

namespace {

std::string engine_reason(const EngineFigures& engine, std::uint32_t timeout_ms) {
  if (engine.unready_ms == 0) return {};
  if (engine.ever_up && engine.unready_ms < timeout_ms) return {};
  if (engine.up) return "engine catching up";
  return "engine down " + std::to_string(engine.unready_ms / 1'000) + " s";
}

}  // namespace

std::string not_ready_reason(const ServerStats& stats, std::uint64_t now_ms,
                             std::uint32_t engine_timeout_ms) {
  if (stats.draining) return "the server is draining";
  const HistoryLogFigures& log = stats.history_log;
  if (log.failed) {
    // The system clock may have been set back since the failure.
    const std::uint64_t seconds = (now_ms - std::min(now_ms, log.failed_since_ms)) / 1'000;
    return "history log failed for " + std::to_string(seconds) + " s: " + log.error;
  }
  return stats.engine ? engine_reason(*stats.engine, engine_timeout_ms) : std::string();
}

}  // namespace wsd::daemon
