// A rule for some rooms, as an operator writes it:
//
//   PATTERN SETTING=VALUE [SETTING=VALUE...]
//
// with spaces or tabs between. A setting is slow-policy, history-messages, history-bytes or
// history-age, and its value what the flag of that name takes; slow-policy may be latest-only too.
// A space in a room's name is fitted by a "*".
#pragma once

#include <wsd/options.h>

#include <string>
#include <string_view>

#include "daemon/text/units.h"

namespace wsd::daemon {

[[nodiscard]] Parsed<RoomRule> parse_room_rule(std::string_view text);
// parse_room_rule() reads it back.
[[nodiscard]] std::string format_room_rule(const RoomRule& rule);

}  // namespace wsd::daemon
