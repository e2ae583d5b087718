#include "daemon/log/log_command.h"

#include <wsd/history_log.h>

#include <cstddef>
#include <cstdio>
#include <string_view>
#include <utility>

#include "daemon/log/log_text.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kCannotWrite = "cannot write to standard output";

bool put(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

// Stores the value of the option at `at`, which is "--NAME VALUE" or "--NAME=VALUE", and moves `at`
// to its last argument. Returns false if the argument is not this option with a value.
bool take_value(const std::vector<std::string>& arguments, std::size_t& at, std::string_view name,
                std::string& value) {
  const std::string& argument = arguments[at];
  if (argument == name && at + 1 < arguments.size()) {
    value = arguments[++at];
    return true;
  }
  if (!argument.starts_with(std::string(name) + "=")) return false;
  value = argument.substr(name.size() + 1);
  return true;
}

// Returns the error of arguments that do not fit together, or an empty string.
std::string contradiction(const LogCommand& command) {
  if (command.directory.empty()) {
    return "wsd log needs a directory: write wsd log DIR, with the directory of --history-dir";
  }
  if (command.from && !command.room) {
    return "--from needs --room: write wsd log DIR --room NAME --from EPOCH:SEQ";
  }
  if (command.restored && (command.room || command.json)) {
    return "--restored prints nothing of the log: leave out --room and --json";
  }
  return {};
}

int list(const LogCommand& command, const std::function<int(int, const std::string&)>& fail) {
  const HistoryLogReport report = read_history_log(command.directory);
  if (!report.error.empty()) return fail(kExitFailed, report.error);
  if (!put(command.json ? log_json(report) : log_table(report)) || std::fflush(stdout) != 0) {
    return fail(kExitFailed, std::string(kCannotWrite));
  }
  return report.damage.empty() ? kExitClean : kExitFailed;
}

int print_room(const LogCommand& command, const std::function<int(int, const std::string&)>& fail) {
  bool written = true;
  const std::string error = visit_history_log(
      command.directory, *command.room, command.from,
      [&](const LoggedMessage& message) { written = written && put(message_json(message)); });
  if (!error.empty()) return fail(kExitFailed, error);
  if (written && std::fflush(stdout) == 0) return kExitClean;
  return fail(kExitFailed, std::string(kCannotWrite));
}

}  // namespace

LogCommand parse_log_arguments(const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment) {
  LogCommand command;
  const auto variable = environment.find("WSD_HISTORY_DIR");
  if (variable != environment.end()) command.directory = variable->second;
  bool has_directory = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& each = arguments[i];
    std::string value;
    if (each == "--help" || each == "-h") {
      command.help = true;
    } else if (each == "--json") {
      command.json = true;
    } else if (each == "--restored") {
      command.restored = true;
    } else if (take_value(arguments, i, "--room", value)) {
      command.room = std::move(value);
    } else if (take_value(arguments, i, "--from", value)) {
      command.from = parse_position(value);
      if (!command.from) command.error = "--from: " + quote(value) + " is not EPOCH:SEQ";
    } else if (each.starts_with("-") || has_directory) {
      command.error = quote(each) +
                      " is not an argument of wsd log, which accepts one DIR, --room NAME, --from "
                      "EPOCH:SEQ, --json and --restored";
    } else {
      command.directory = each;
      has_directory = true;
    }
    if (!command.error.empty()) return command;
  }
  if (!command.help) command.error = contradiction(command);
  return command;
}

std::string log_help() {
  return R"(Usage: wsd log [DIR] [--json]
       wsd log [DIR] --room NAME [--from EPOCH:SEQ]
       wsd log [DIR] --restored

Shows what the history log in DIR holds: each room with the position of its latest message, the
sequence number of its oldest message, the number and the bytes of its messages, and any damage. It
only reads, so it also works while a server uses DIR. The default of DIR is WSD_HISTORY_DIR. The
exit status is 1 if the log is damaged or cannot be read.

  --json            print the listing as JSON
  --room NAME       print the messages of the room, one JSON object per line
  --from EPOCH:SEQ  print only the messages after this position
  --restored        give every room a new epoch. Run it once after you have restored a snapshot of
                    the disk, while no server uses DIR. Clients that resume are then told that
                    messages are missing, because the snapshot does not have the latest ones.
)";
}

int run_log(const LogCommand& command, const std::function<int(int, const std::string&)>& fail) {
  if (command.room) return print_room(command, fail);
  if (!command.restored) return list(command, fail);
  const std::string error = begin_new_epochs(command.directory);
  if (!error.empty()) return fail(kExitFailed, error);
  if (put("every room has a new epoch\n") && std::fflush(stdout) == 0) return kExitClean;
  return fail(kExitFailed, std::string(kCannotWrite));
}

}  // namespace wsd::daemon
