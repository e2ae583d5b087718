// The lines of the input of `wsd connect --slash` that are commands.
#pragma once

#include <wsd/close.h>

#include <string>
#include <string_view>

namespace wsd::daemon {

struct SlashCommand {
  bool close = false;  // otherwise a Ping
  CloseCode close_code = CloseCode::kNormalClosure;
  std::string text = {};   // the data of the Ping, or the reason of the Close
  std::string error = {};  // a sentence; empty if the line is a command
};

// Parses a line that begins with one slash: "/ping [DATA]" or "/close [CODE [REASON]]".
[[nodiscard]] SlashCommand parse_slash_command(std::string_view line);

}  // namespace wsd::daemon
