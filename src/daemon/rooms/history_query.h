// The part of a room's history that a joining client requests in its URL.
#pragma once

#include <wsd/position.h>

#include <string>
#include <string_view>

namespace wsd::daemon {

// The parsed request for history, or an error sentence for the client.
struct SinceQuery {
  Since since;
  std::string error;
};

// Parses a query. `last_event_id=EPOCH:SEQ` requests the messages after that position; Nchan's
// clients send it when they reconnect. `last=N` requests the last N messages. Without either, only
// new messages count. Percent-decodes values (RFC 3986 §2.1) and ignores other parameters.
[[nodiscard]] SinceQuery since_of_query(std::string_view query);

}  // namespace wsd::daemon
