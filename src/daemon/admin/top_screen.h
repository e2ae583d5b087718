// The screen of `wsd top` as text: a pure function of two samples.
#pragma once

#include <wsd/stats.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/text/json.h"

namespace wsd::daemon {

// The statistics at one moment.
struct TopSample {
  ServerStats stats;
  std::vector<JsonRow> connections;  // the rows of /connections, in its order
  std::uint64_t at_ms = 0;           // monotonic clock
};

// Returns at most `rows` lines of at most `columns` characters, all printable ASCII. Rates are
// averages between the two samples, or "-" if no time has passed between them. In a narrow
// terminal, values go on in a further line, and the table of connections has fewer columns. A text
// that is shortened ends with "..", and a number is never shortened unless the terminal is narrower
// than it.
[[nodiscard]] std::vector<std::string> top_screen(const TopSample& before, const TopSample& now,
                                                  const std::string& address, std::size_t rows,
                                                  std::size_t columns);

// Returns the quantile `share`/1000 of `histogram` as the upper end of a bucket, such as "256us" or
// ">8.3s". Returns "-" for an empty histogram.
[[nodiscard]] std::string quantile_text(const DurationHistogram& histogram, std::uint32_t share);

// Returns `number` in short form: "950", "12.3k", "4.5M", "6.7G".
[[nodiscard]] std::string short_number(double number);

}  // namespace wsd::daemon
