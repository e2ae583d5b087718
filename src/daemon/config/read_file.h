// Reads the files that the settings name: the configuration, users and tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::daemon {

// The content of a file, or an error.
struct FileText {
  std::string text;
  std::string error;  // a sentence; empty if there is no error
  // It is a regular file, and users other than its owner and group may read it.
  bool open_to_all = false;
};

// The kinds of files that may be read.
enum class FileKinds : std::uint8_t {
  // Also pipes and terminals, which a shell passes as in `--config <(command)`. Reading one waits
  // for its writer, without a limit. For the start of the daemon.
  kAny,
  // A pipe has no content any more after the start, and waiting for its writer may last for ever.
  // For reloads.
  kRegular,
};

// The file to read. The texts appear in errors.
struct FileRequest {
  std::string_view kind;  // such as "configuration file"
  std::string_view flag;  // names the file
  FileKinds kinds = FileKinds::kAny;
  std::size_t most_bytes = std::size_t{1} << 20;
};

// Reads the whole file. Even with FileKinds::kRegular, it blocks for as long as a file system does
// not respond.
[[nodiscard]] FileText read_file(const FileRequest& request, const std::string& path);

}  // namespace wsd::daemon
