// Reads a history log from its directory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/log_segment.h"
#include "engine/recovered_log.h"
#include "server/log_directory.h"
#include "wsd/log.h"

namespace wsd::server {

// The facts that a new run needs of the earlier ones.
struct LoadedLog {
  engine::RecoveredLog log;
  std::vector<engine::LogSegmentEntry> kept;  // the header of the next segment lists them
  std::vector<std::uint64_t> unlinks;         // after the next segment is on disk
};

// Reads all segments, and writes those that are kept to disk. Reports log_recovery about once per
// second if it takes longer, and log_recovery at the end. Returns an empty string, or why the log
// must not be used, as a sentence with the remedy. Throws std::bad_alloc.
[[nodiscard]] std::string load_log(
    const LogDirectory& directory, const engine::LogBootId& boot_id,
    const std::function<void(LogLevel, std::string_view event, std::string_view text)>& report,
    LoadedLog& into);

}  // namespace wsd::server
