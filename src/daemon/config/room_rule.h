// The text of --room-rule:
//
//   PATTERN SETTING=VALUE [SETTING=VALUE...]
//
// Spaces or tabs separate the parts. A setting is slow-policy, history-messages, history-bytes or
// history-age. It accepts the values of the flag with that name; slow-policy also accepts
// latest-only. Write "*" for a space in a room name.
#pragma once

#include <wsd/options.h>

#include <string>
#include <string_view>

#include "daemon/text/units.h"

namespace wsd::daemon {

[[nodiscard]] Parsed<RoomRule> parse_room_rule(std::string_view text);
// Returns a text that parse_room_rule() parses to the same rule.
[[nodiscard]] std::string format_room_rule(const RoomRule& rule);

}  // namespace wsd::daemon
