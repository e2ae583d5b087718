// The flags that set the options of the library.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

// Returns the flag that sets that field of ServerOptions: "--max-fields" for "limits.max_fields".
// For ServerOptions::option_name. Returns the field itself if no flag sets it. Any thread.
[[nodiscard]] std::string flag_of_option(std::string_view field);

}  // namespace wsd::daemon
