#include "daemon/rooms/history_query.h"

#include <wsd/check.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

struct Parameter {
  int count = 0;
  std::string value;
};

Parameter parameter(std::string_view query, std::string_view name) {
  Parameter found;
  for (const std::string_view piece : split(query, '&')) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos || piece.substr(0, equals) != name) continue;
    ++found.count;
    found.value = percent_decode(piece.substr(equals + 1)).value_or(std::string());
  }
  return found;
}

}  // namespace

SinceQuery since_of_query(std::string_view query) {
  SinceQuery result;
  const Parameter id = parameter(query, "last_event_id");
  const Parameter last = parameter(query, "last");
  if (id.count > 1 || last.count > 1) {
    result.error = "last_event_id and last may each be given only once";
  } else if (id.count == 1) {
    const std::optional<Position> position = parse_position(id.value);
    if (position) {
      result.since = Since::after(*position);
    } else {
      result.error = "last_event_id=" + quote(id.value) +
                     " is not a position: use EPOCH:SEQ, two decimal numbers below 2^64";
    }
  } else if (last.count == 1) {
    const auto count = parse_count(last.value, std::numeric_limits<std::uint32_t>::max());
    if (count.ok()) {
      result.since = Since::last(static_cast<std::uint32_t>(count.value));
    } else {
      result.error = "last=" + quote(last.value) +
                     " is not a number of messages: use a whole number below 2^32";
    }
  }
  return result;
}

}  // namespace wsd::daemon
