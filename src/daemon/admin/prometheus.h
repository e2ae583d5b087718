// A server's statistics as Prometheus text format, in both directions.
#pragma once

#include <wsd/stats.h>

#include <string>
#include <string_view>

namespace wsd::daemon {

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// Returns text format 0.0.4: each metric with HELP and TYPE, in base units. Every label value is
// present from the start with 0, so that rate() also sees the first event.
[[nodiscard]] std::string metrics_text(const ServerStats& stats);

// Returns `ns` as seconds, exactly and without trailing zeros: "0.0000015".
[[nodiscard]] std::string seconds_text(std::uint64_t ns);

// Parses the output of metrics_text(). Reads only the fields that `wsd top` shows; all others keep
// their defaults. Ignores unknown lines.
[[nodiscard]] ServerStats parse_metrics(std::string_view text);

}  // namespace wsd::daemon
