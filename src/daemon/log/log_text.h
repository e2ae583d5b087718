// The output of `wsd log`: pure functions of the content of a history log.
#pragma once

#include <wsd/history_log.h>

#include <string>

namespace wsd::daemon {

// Returns the rooms as a table, the totals, and a line for each damage. All lines are printable
// ASCII: other bytes of a room's name become \xNN, and a name is cut after 80 bytes.
[[nodiscard]] std::string log_table(const HistoryLogReport& report);

// Returns the same as one JSON document with a newline at its end.
[[nodiscard]] std::string log_json(const HistoryLogReport& report);

// Returns the message as one line of JSON: epoch, seq, time, and its text, or its bytes in base64.
[[nodiscard]] std::string message_json(const LoggedMessage& message);

}  // namespace wsd::daemon
