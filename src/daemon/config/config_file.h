// The configuration file: one `key = value` a line, where a key is a flag's name without "--".
//
// A line whose first character is "#" is a comment, and so is the rest of a line from a "#" that
// stands after a value and a space. No quotes, no escapes, no sections: what stands between "=" and
// the line's end or comment, without the spaces around it, is the value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/flag_table.h"

namespace wsd::daemon {

struct ConfigEntry {
  const Flag* flag = nullptr;  // a setting; never nullptr in a Config without error
  std::string value;           // not judged yet
  std::size_t line = 0;        // from 1
};

struct Config {
  std::vector<ConfigEntry> entries;
  std::string error;  // a sentence that begins "NAME:LINE: "; empty when there is none
};

// Refuses unknown keys, a second line for a key that is not repeatable, empty values, control bytes
// and lines without "=". `name` is for the errors alone.
[[nodiscard]] Config parse_config(std::string_view name, std::string_view text);

// All settings, defaults included, as a file that parse_config() accepts.
[[nodiscard]] std::string render_config(const DaemonOptions& options);

// A file's content, or why there is none.
struct FileText {
  std::string text;
  std::string error;  // a sentence; empty when there is none
};

// Reads a file of at most 1 MiB.
[[nodiscard]] FileText read_config_file(const std::string& path);
// Likewise one of another kind, which `flag` names.
[[nodiscard]] FileText read_file(std::string_view kind, std::string_view flag,
                                 const std::string& path);

}  // namespace wsd::daemon
