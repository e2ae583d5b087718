// A server's figures in Prometheus' text format, and read from it again.
#pragma once

#include <wsd/stats.h>

#include <string>
#include <string_view>

namespace wsd::daemon {

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// Text format 0.0.4: each metric with HELP and TYPE, in base units, and each label value from the
// start, with 0, so that a first event is a rise and not a beginning.
[[nodiscard]] std::string metrics_text(const ServerStats& stats);

// `ns` as seconds, exactly, without trailing zeros: "0.0000015".
[[nodiscard]] std::string seconds_text(std::uint64_t ns);

// What metrics_text() said of the things that `wsd top` shows; the others stay as they are by
// default. Lines that it does not know are passed over.
[[nodiscard]] ServerStats parse_metrics(std::string_view text);

}  // namespace wsd::daemon
