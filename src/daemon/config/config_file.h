// The configuration file: one `key = value` per line. A key is a flag's name without "--".
//
// A line that begins with "#" is a comment. After a value, a space and "#" begin a comment. There
// are no quotes, escapes or sections: the value is the text from "=" to the comment or the end of
// the line, without the spaces around it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/flag_table.h"
#include "daemon/config/read_file.h"

namespace wsd::daemon {

struct ConfigEntry {
  const Flag* flag = nullptr;  // a setting; not nullptr in a Config without an error
  std::string value;           // not checked yet
  std::size_t line = 0;        // counted from 1
};

struct Config {
  std::vector<ConfigEntry> entries;
  std::string error;  // a sentence that begins with "NAME:LINE: "; empty if there is no error
};

// Rejects unknown keys, a second line for a key that is not repeatable, empty values, control bytes
// and lines without "=". `name` appears only in the errors.
[[nodiscard]] Config parse_config(std::string_view name, std::string_view text);

// Returns all settings, also the defaults, as a file that parse_config() accepts.
[[nodiscard]] std::string render_config(const DaemonOptions& options);

// Reads a configuration file of at most 1 MiB.
[[nodiscard]] FileText read_config_file(const std::string& path, FileKinds kinds = FileKinds::kAny);

}  // namespace wsd::daemon
