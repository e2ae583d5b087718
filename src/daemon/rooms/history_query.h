// From where on a joiner wants a room's messages, as its URL says it.
#pragma once

#include <wsd/position.h>

#include <string>
#include <string_view>

namespace wsd::daemon {

// Where a joiner's query asks it to begin, or a sentence for the one who asked.
struct SinceQuery {
  Since since;
  std::string error;
};

// `last_event_id=EPOCH:SEQ` (what Nchan's clients send when they come again), else `last=N`, else
// from now on. Other parameters are not looked at. Percent-encoding is undone (RFC 3986 §2.1).
[[nodiscard]] SinceQuery since_of_query(std::string_view query);

}  // namespace wsd::daemon
