#include <wsd/version.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/config/command_table.h"
#include "daemon/config/flag_table.h"
#include "daemon/config/generated_texts.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

// The date of the last change to text that does not come from the flag table.
constexpr std::string_view kDate = "2026-11-30";

constexpr std::size_t kWidth = 78;

// Escapes one word of running text, so that roff prints it literally.
std::string roff(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

void append_text(std::string& out, std::string_view text) {
  std::size_t column = 0;
  for (const std::string_view word : split(text, ' ')) {
    std::string piece = roff(word);
    if (column != 0 && column + 1 + piece.size() > kWidth) {
      out += '\n';
      column = 0;
    }
    // At the beginning of a line, these characters would begin a request.
    if (column == 0 && (piece.starts_with('.') || piece.starts_with('\''))) piece.insert(0, "\\&");
    if (column != 0) out += ' ';
    out += piece;
    column += piece.size() + 1;
  }
  out += '\n';
}

void append_section(std::string& out, std::string_view title) {
  out.append(".SH ").append(title) += '\n';
}

void append_flag(std::string& out, const Flag& flag) {
  out += ".TP\n";
  if (flag.metavar.empty()) {
    out.append(".B ").append(roff("--" + std::string(flag.name))) += '\n';
  } else {
    out.append(".BI ").append(roff("--" + std::string(flag.name))).append(" \" ");
    out.append(roff(flag.metavar)).append("\"\n");
  }
  std::string text = described(flag);
  if (flag.kind == FlagKind::kSetting) text += " (default: " + default_text(flag) + ")";
  append_text(out, text);
}

void append_command(std::string& out, const CommandText& command) {
  out.append(".SS wsd ").append(command.name).append(" [").append(command.argument);
  out.append("]\n");
  append_text(out, std::string(command.help).append("."));
  for (const CommandOption& option : command.options) {
    if (option.metavar.empty()) {
      out.append(".TP\n.B ").append(roff("--" + std::string(option.name))) += '\n';
    } else {
      out.append(".TP\n.BI ").append(roff("--" + std::string(option.name))).append(" \" ");
      out.append(roff(option.metavar)).append("\"\n");
    }
    append_text(out, option.help);
  }
  if (!command.statuses.empty()) out += ".PP\nExit status:\n";
  for (const CommandStatus& status : command.statuses) {
    out.append(".TP\n.B ").append(status.status) += '\n';
    append_text(out, status.meaning);
  }
}

// Each section is running text with the requests of man(7).
constexpr std::string_view kDescription = R"(.B wsd
is a WebSocket server (RFC 6455).
Without flags it listens on 127.0.0.1:9001.
A WebSocket on
.I /
or
.I /echo
gets each of its messages back.
A WebSocket on
.I /rooms/NAME
gets each message that a member of that room sends.
A browser that opens
.I /
gets a page to try the server with.
.PP
A
.I DURATION
is a whole number with ms, s, m or h: 250ms, 10s, 1m, 2h.
A
.I SIZE
is a number of bytes, or a whole number with KiB, MiB, GiB or TiB.
)";

constexpr std::string_view kEnvironment = R"(Every setting can also be an environment variable:
.B \-\-ping\-interval
is
.BR WSD_PING_INTERVAL .
Separate the values of a repeatable setting with commas.
Flags override environment variables, which override the configuration file,
which overrides the defaults.
.TP
.B WSD_CONFIG
names the configuration file, as
.B \-\-config
does.
.TP
.BR NOTIFY_SOCKET ", " WATCHDOG_USEC ", " WATCHDOG_PID
Set by the service manager.
wsd reports its start, each reload and its stop to NOTIFY_SOCKET.
It sends a watchdog message twice per WATCHDOG_USEC while every thread is
responsive (sd_notify(3)).
.TP
.BR LISTEN_FDS ", " LISTEN_PID ", " LISTEN_FDNAMES
Sockets that the service manager passes (sd_listen_fds(3)).
wsd uses them with
.BR "\-\-listen systemd" ,
or if no address to listen on is set.
)";

constexpr std::string_view kFile = R"(One setting per line, with the name of the flag:
.PP
.RS
.nf
ping\-interval = 25s   # a comment
.fi
.RE
.PP
.B "wsd \-\-print config"
prints an example with every setting, and
.B "wsd \-\-config FILE \-\-check\-config"
checks a file.
)";

constexpr std::string_view kSignals = R"(.TP
.BR SIGTERM ", " SIGINT
Start a drain.
wsd accepts no new connections and closes the open ones with code 1001, spread
over
.BR \-\-drain\-window .
After
.B \-\-drain\-timeout
it force\-closes the remaining connections.
A second signal ends the process at once.
.TP
.B SIGHUP
Re\-reads
.BR \-\-auth\-file ,
checks the configuration and logs which settings need a restart.
)";

// Shells report 128 plus the signal's number for a process that a signal has ended.
constexpr std::string_view kSignalStatuses = R"(.TP
.B 130
ended by SIGINT, the second one or before wsd was ready
.TP
.B 143
ended by SIGTERM, the second one or before wsd was ready
)";

}  // namespace

std::string man_page() {
  std::string out = ".\\\" Made by: wsd --print man\n";
  out.append(".TH WSD 8 ").append(kDate).append(" \"wsd ").append(version());
  out.append("\" \"System Manager's Manual\"\n");
  append_section(out, "NAME");
  out += "wsd \\- WebSocket server\n";
  append_section(out, "SYNOPSIS");
  out += ".B wsd\n.RI [ \\-\\-FLAG\\ VALUE \" | \" \\-\\-FLAG=VALUE ]...\n";
  for (const CommandText& command : command_table()) {
    out.append(".PP\n.B wsd ").append(command.name).append("\n.RI [ ");
    out.append(command.argument).append(" ] ...\n");
  }
  append_section(out, "DESCRIPTION");
  out += kDescription;
  append_section(out, "OPTIONS");
  std::string_view group;
  for (const Flag& flag : flag_table()) {
    if (flag.group != group) {
      group = flag.group;
      out.append(".SS ").append(group) += '\n';
    }
    append_flag(out, flag);
  }
  append_section(out, "COMMANDS");
  for (const CommandText& command : command_table()) append_command(out, command);
  append_section(out, "ENVIRONMENT");
  out += kEnvironment;
  append_section(out, "CONFIGURATION FILE");
  out += kFile;
  append_section(out, "SIGNALS");
  out += kSignals;
  append_section(out, "EXIT STATUS");
  for (const ExitCode& each : kExitCodes) {
    out.append(".TP\n.B ").append(std::to_string(each.code)) += '\n';
    append_text(out, each.meaning);
  }
  out += kSignalStatuses;
  append_section(out, "SEE ALSO");
  out += ".BR systemd.socket (5),\n.BR sd_notify (3),\nRFC 6455, RFC 7692\n";
  return out;
}

}  // namespace wsd::daemon
