#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/flag_table.h"
#include "daemon/config/generated_texts.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kWidth = 100;

constexpr std::string_view kHead =
    R"(# Settings of wsd, one "key = value" per line. Every setting is listed as a comment with its
# default. To change one, remove the # and edit the value. `wsd --config FILE --check-config` checks
# the file; restart wsd to apply it. Command-line flags override environment variables, which
# override this file.
#
# A duration is a whole number with ms, s, m or h. A size is a number of bytes, or a whole number
# with KiB, MiB, GiB or TiB.
)";

void append_comment(std::string& out, std::string_view text) {
  std::size_t column = 0;
  for (const std::string_view word : split(text, ' ')) {
    if (column == 0 || column + 1 + word.size() > kWidth) {
      out.append(column == 0 ? "# " : "\n# ").append(word);
      column = 2 + word.size();
      continue;
    }
    out.append(" ").append(word);
    column += 1 + word.size();
  }
  out += '\n';
}

}  // namespace

std::string config_example() {
  std::string out(kHead);
  std::string_view group;
  for (const Flag& flag : flag_table()) {
    if (flag.kind != FlagKind::kSetting) continue;
    if (flag.group != group) {
      group = flag.group;
      out.append("\n### ").append(group).append("\n");
    }
    out += '\n';
    append_comment(out, described(flag));
    std::vector<std::string> values = flag.get(DaemonOptions{});
    // A setting without a default shows its placeholder.
    if (values.empty() || values.front().empty()) values = {std::string(flag.metavar)};
    for (const std::string& value : values) {
      out.append("#").append(flag.name).append(" = ").append(value) += '\n';
    }
  }
  return out;
}

}  // namespace wsd::daemon
