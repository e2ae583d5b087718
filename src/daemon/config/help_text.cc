#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/config/command_table.h"
#include "daemon/config/flag_table.h"
#include "daemon/config/generated_texts.h"
#include "daemon/config/load_config.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kHelpColumn = 30;
constexpr std::size_t kWidth = 100;

constexpr std::string_view kUsage = "Usage: wsd [--FLAG VALUE | --FLAG=VALUE]...\n";

constexpr std::string_view kHead = R"(
A WebSocket server (RFC 6455). Without flags it listens on 127.0.0.1:9001. Open
http://127.0.0.1:9001/ in a browser, or connect a WebSocket client: / and /echo send each message
back, and /rooms/NAME sends it to every member of that room.
)";

constexpr std::string_view kTail = R"(
A DURATION is a whole number with ms, s, m or h: 250ms, 10s, 1m, 2h.
A SIZE is a number of bytes, or a whole number with KiB, MiB, GiB or TiB: 4096, 64KiB, 1MiB.

Every setting can also be an environment variable (--ping-interval is WSD_PING_INTERVAL; separate
the values of a repeatable setting with commas) or a line in the file named by --config or
WSD_CONFIG: ping-interval = 25s
Flags override environment variables, which override the file, which overrides the defaults.

SIGTERM and SIGINT start a drain; a second one ends the process at once. SIGHUP re-reads
--auth-file, checks the configuration and logs which settings need a restart.
)";

// Appends `text`, broken at spaces. Each line begins at kHelpColumn.
void append_wrapped(std::string& out, std::string_view text) {
  std::size_t column = kHelpColumn;
  for (const std::string_view word : split(text, ' ')) {
    if (column != kHelpColumn && column + 1 + word.size() > kWidth) {
      out.append("\n").append(kHelpColumn, ' ');
      column = kHelpColumn;
    }
    if (column != kHelpColumn) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

std::string left_of(std::string_view name, std::string_view metavar) {
  std::string left = "  --" + std::string(name);
  return metavar.empty() ? left : left + ' ' + std::string(metavar);
}

// Appends the left column. The description follows at kHelpColumn.
void append_left(std::string& out, const std::string& left) {
  out += left;
  // Without room for two spaces, the description begins on its own line.
  if (left.size() + 2 > kHelpColumn) {
    out.append("\n").append(kHelpColumn, ' ');
  } else {
    out.append(kHelpColumn - left.size(), ' ');
  }
}

void append_flag(std::string& out, const Flag& flag) {
  append_left(out, left_of(flag.name, flag.metavar));
  std::string description = described(flag);
  if (flag.kind == FlagKind::kSetting) description += " (default: " + default_text(flag) + ")";
  append_wrapped(out, description);
}

}  // namespace

std::string command_options_text(std::string_view command) {
  std::string out;
  for (const CommandText& each : command_table()) {
    if (each.name != command) continue;
    for (const CommandOption& option : each.options) {
      append_left(out, left_of(option.name, option.metavar));
      append_wrapped(out, option.help);
    }
  }
  return out;
}

std::string command_statuses_text(std::string_view command) {
  constexpr std::size_t kStatusColumn = 5;
  std::string out;
  for (const CommandText& each : command_table()) {
    if (each.name != command) continue;
    for (const CommandStatus& status : each.statuses) {
      out.append(kStatusColumn - status.status.size(), ' ').append(status.status);
      out.append("  ").append(status.meaning) += '\n';
    }
  }
  return out;
}

std::string help_text() {
  std::string out(kUsage);
  constexpr std::size_t kCommandColumn = 28;
  for (const CommandText& command : command_table()) {
    std::string left = "       wsd " + std::string(command.name);
    left.append(" [").append(command.argument).append("]");
    out.append(left).append(kCommandColumn - left.size(), ' ').append(command.help);
    out.append("; see wsd ").append(command.name).append(" --help\n");
  }
  out += kHead;
  std::string_view group;
  for (const Flag& flag : flag_table()) {
    if (flag.group != group) {
      group = flag.group;
      out.append("\n").append(group).append(":\n");
    }
    append_flag(out, flag);
  }
  out += kTail;
  out += "\nExit codes:\n";
  for (const ExitCode& each : kExitCodes) {
    out.append(each.code < 10 ? "   " : "  ").append(std::to_string(each.code));
    out.append(" ").append(each.meaning).append("\n");
  }
  return out;
}

}  // namespace wsd::daemon
