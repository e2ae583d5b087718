// The names of options in sentences and log entries.
#pragma once

#include <string>
#include <string_view>

#include "wsd/options.h"

namespace wsd::server {

// Returns the name of the option with that field of ServerOptions, such as "limits.max_fields": the
// application's name for it if ServerOptions::option_name is set, and otherwise the field.
[[nodiscard]] inline std::string option_name(const ServerOptions& options, std::string_view field) {
  return options.option_name ? options.option_name(field) : std::string(field);
}

// Returns the text with the names of options in place of their fields, which layers below write as
// "{option:limits.max_connections}". Those layers do not know ServerOptions.
[[nodiscard]] std::string with_option_names(const ServerOptions& options, std::string_view text);

}  // namespace wsd::server
