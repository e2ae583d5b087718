// Loads any text as a configuration file. It is rejected with a printable sentence, or its settings
// can be rendered and loaded again without a difference.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/config/config_file.h"
#include "daemon/config/load_config.h"

namespace {

wsd::daemon::Loaded load(std::string_view text) {
  wsd::daemon::Sources sources;
  sources.arguments = {"--config=fuzz.conf"};
  sources.read_file = [text](const std::string&) {
    return wsd::daemon::FileText{std::string(text), {}};
  };
  sources.check = [](const wsd::ServerOptions&) { return std::string(); };
  return wsd::daemon::load_config(sources);
}

bool is_printable(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wsd::daemon::Loaded first =
      load(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!first.error.empty()) {
    if (!is_printable(first.error)) std::abort();
    // No other error is possible: the command line names the file, and the environment is empty.
    if (first.exit_code != wsd::daemon::kExitBadConfiguration) std::abort();
    return 0;
  }
  const wsd::daemon::Loaded again = load(wsd::daemon::render_config(first.options));
  if (!again.error.empty()) std::abort();
  if (!wsd::daemon::differing_settings(first.options, again.options).empty()) std::abort();
  return 0;
}
