// What `wsd top` shows, as text: a pure function of two looks at the figures.
#pragma once

#include <wsd/stats.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/text/json.h"

namespace wsd::daemon {

// One look.
struct TopSample {
  ServerStats stats;
  std::vector<JsonRow> connections;  // of /connections, in its order
  std::uint64_t at_ms = 0;           // by a clock that does not jump
};

// At most `rows` lines of at most `columns` characters, printable ASCII alone. Rates are those
// between the two looks; "-" where there was no time between them.
[[nodiscard]] std::vector<std::string> top_screen(const TopSample& before, const TopSample& now,
                                                  const std::string& address, std::size_t rows,
                                                  std::size_t columns);

// The least bound under which `share` of 1000 of what `histogram` counted lies, such as "256us" or
// ">8.3s"; "-" when it counted nothing.
[[nodiscard]] std::string quantile_text(const DurationHistogram& histogram, std::uint32_t share);

// "950", "12.3k", "4.5M", "6.7G".
[[nodiscard]] std::string short_number(double number);

}  // namespace wsd::daemon
