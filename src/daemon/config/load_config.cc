#include "daemon/config/load_config.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "daemon/config/generated_texts.h"
#include "daemon/config/option_flags.h"
#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kEnvironmentPrefix = "WSD_";

// One value for one setting, and its place as an operator knows it.
struct Assignment {
  const Flag* flag = nullptr;
  std::string value;
  std::string place;
};

struct CommandLine {
  Action action = Action::kServe;
  std::string print;
  std::string config_path;
  std::vector<Assignment> assignments;
  std::string error;
};

// One argument, split at "=".
struct Argument {
  std::string_view name;  // without "--"
  std::optional<std::string> value;
};

Action action_of(const Flag& flag) {
  if (flag.name == "help") return Action::kHelp;
  if (flag.name == "version") return Action::kVersion;
  if (flag.name == "print") return Action::kPrint;
  return Action::kCheckConfig;
}

std::string unknown_flag(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Flag& flag : flag_table()) names.push_back(flag.name);
  std::string plain(name);
  std::replace(plain.begin(), plain.end(), '_', '-');
  const std::string_view meant = closest_match(plain, names);
  return "--" + std::string(name) + " is not a flag of wsd" +
         (meant.empty() ? "; wsd --help lists the flags"
                        : "; did you mean --" + std::string(meant) + "?");
}

std::string not_a_flag(const std::string& argument) {
  if (argument.size() > 1 && argument.front() == '-') {
    return quote(argument) +
           " is not a flag of wsd; flags begin with two dashes, as in --listen, and wsd --help "
           "lists "
           "them";
  }
  const bool address = argument.find(':') != std::string::npos;
  return quote(argument) + " is not a flag, and wsd accepts only flags" +
         (address ? "; did you mean --listen " + argument + "?" : "; wsd --help lists them");
}

Argument split_argument(std::string_view text) {
  text.remove_prefix(2);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, equals), std::string(text.substr(equals + 1))};
}

// Adds one flag to `line`. `next` is the argument after the flag, or nullptr. Returns whether the
// flag has used it as its value.
bool take_flag(const Flag& flag, std::optional<std::string> value, const std::string* next,
               CommandLine& line) {
  const std::string name = "--" + std::string(flag.name);
  if (flag.kind == FlagKind::kAction && flag.metavar.empty()) {
    if (value) line.error = name + " takes no value; write it alone";
    line.action = std::max(line.action, action_of(flag));
    return false;
  }
  const bool takes_next = !value && next != nullptr;
  if (takes_next) value = *next;
  if (!value || value->empty()) {
    line.error = name + " needs a value: write " + name + " " + std::string(flag.metavar);
  } else if (flag.kind == FlagKind::kConfigFile) {
    line.config_path = *value;
  } else if (flag.kind == FlagKind::kAction) {
    line.action = std::max(line.action, action_of(flag));
    line.error = print_error(*value);
    line.print = *std::move(value);
  } else {
    line.assignments.push_back({&flag, *std::move(value), name});
  }
  return takes_next;
}

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  for (std::size_t i = 0; i < arguments.size() && line.error.empty(); ++i) {
    const std::string& text = arguments[i] == "-h" ? "--help" : arguments[i];
    if (!text.starts_with("--") || text == "--") {
      line.error = not_a_flag(text);
      break;
    }
    Argument argument = split_argument(text);
    const Flag* const flag = find_flag(argument.name);
    if (flag == nullptr) {
      line.error = unknown_flag(argument.name);
      break;
    }
    const std::string* const next = i + 1 < arguments.size() ? &arguments[i + 1] : nullptr;
    if (take_flag(*flag, std::move(argument.value), next, line)) ++i;
  }
  return line;
}

const std::string* find_variable(const Sources& sources, const Flag& flag) {
  const std::string name = environment_name(flag);
  const auto found = sources.environment.find(name);
  const bool there = found != sources.environment.end() && !found->second.empty();
  return there && !name.empty() ? &found->second : nullptr;
}

std::vector<Assignment> environment_assignments(const Sources& sources) {
  std::vector<Assignment> assignments;
  for (const Flag& flag : flag_table()) {
    const std::string* const value = find_variable(sources, flag);
    if (value == nullptr || flag.kind != FlagKind::kSetting) continue;
    if (!flag.repeatable) {
      assignments.push_back({&flag, *value, environment_name(flag)});
      continue;
    }
    for (const std::string_view piece : split(*value, ',')) {
      assignments.push_back({&flag, std::string(trimmed(piece)), environment_name(flag)});
    }
  }
  return assignments;
}

// Warns only about names close to a known variable, because other names may be legitimate. In a
// Kubernetes namespace with a service "wsd", every container gets variables like WSD_SERVICE_HOST.
std::vector<std::string> environment_warnings(const Sources& sources) {
  std::vector<std::string> names;
  for (const Flag& flag : flag_table()) {
    if (std::string name = environment_name(flag); !name.empty()) names.push_back(std::move(name));
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  std::vector<std::string> warnings;
  for (const auto& [name, value] : sources.environment) {
    if (!name.starts_with(kEnvironmentPrefix) || name.starts_with("WSD_SERVICE_")) continue;
    const std::string_view meant = closest_match(name, candidates);
    if (meant.empty() || meant == name) continue;
    warnings.push_back("the environment variable " + quote(name) +
                       " is not a setting of wsd and has no effect; did you mean " +
                       std::string(meant) + "?");
  }
  return warnings;
}

std::vector<Assignment> file_assignments(const std::string& path, Config&& config) {
  std::vector<Assignment> assignments;
  for (ConfigEntry& entry : config.entries) {
    std::string place =
        path + ":" + std::to_string(entry.line) + ": " + std::string(entry.flag->name);
    assignments.push_back({entry.flag, std::move(entry.value), std::move(place)});
  }
  return assignments;
}

// Applies one source to `options`. Returns the first error as a sentence, or an empty string.
std::string lay_over(const std::vector<Assignment>& assignments, DaemonOptions& options) {
  std::set<const Flag*> replaced;
  for (const Assignment& assignment : assignments) {
    const Flag& flag = *assignment.flag;
    if (flag.repeatable && replaced.insert(&flag).second) flag.clear(options);
    if (std::string error = flag.set(options, assignment.value); !error.empty()) {
      return assignment.place + ": " + error;
    }
  }
  return {};
}

bool names(const std::vector<Assignment>& assignments, std::string_view flag) {
  return std::any_of(assignments.begin(), assignments.end(),
                     [&](const Assignment& each) { return each.flag->name == flag; });
}

// Checks combinations that wsd::check_options() does not know.
std::string contradiction(const DaemonOptions& options) {
  // An operator that asks for syncs must not believe that messages are on disk.
  const HistoryLogOptions& log = options.server.history.log;
  if (log.directory.empty() && log.sync != HistoryLogOptions{}.sync) {
    return std::string("--history-sync ") + (log.sync == HistorySync::kEach ? "each" : "off") +
           " has no effect without --history-dir, because history is then in memory only: set "
           "--history-dir, or remove --history-sync";
  }
  const EngineOptions& engine = options.server.engine;
  if (!engine.url.empty() && !engine.user.empty() && options.engine_password_file.empty()) {
    return "--engine-user " + quote(engine.user) +
           " needs a password: write it into a file, and name that file with "
           "--engine-password-file";
  }
  if (!options.server.proxy.proxy_protocol || options.publish != PublishMode::kLoopback) return {};
  return "--publish loopback cannot be combined with --proxy-protocol on, because the client's "
         "address is then only what the proxy reports: use --publish token with "
         "--publish-token-file";
}

// Redis copies a message for each node, and disconnects a node whose copies are too much.
constexpr std::size_t kMostWithEngine = std::size_t{1} << 20;

std::string message_size_warning(const ServerOptions& options) {
  const std::size_t most = options.limits.max_message_bytes;
  if (options.engine.url.empty() || most <= kMostWithEngine) return {};
  return "--max-message " + format_size(most) +
         " is more than 1MiB, and a few such messages can make Redis disconnect all nodes of "
         "--engine: set --max-message 1MiB";
}

// Applies file, environment and command line to the defaults, in this order.
std::string merge(const Sources& sources, const CommandLine& line, Loaded& loaded) {
  const auto from_environment = environment_assignments(sources);
  const auto given = [&](std::string_view flag) {
    return names(from_environment, flag) || names(line.assignments, flag);
  };
  loaded.listen_given = given("listen");
  bool max_message_given = given("max-message");
  if (!loaded.config_path.empty()) {
    FileText file = sources.read_file(loaded.config_path);
    if (!file.error.empty()) return std::move(file.error);
    Config config = parse_config(loaded.config_path, file.text);
    if (!config.error.empty()) return std::move(config.error);
    const auto assignments = file_assignments(loaded.config_path, std::move(config));
    loaded.listen_given |= names(assignments, "listen");
    max_message_given |= names(assignments, "max-message");
    std::string error = lay_over(assignments, loaded.options);
    if (!error.empty()) return error;
  }
  std::string error = lay_over(from_environment, loaded.options);
  if (error.empty()) error = lay_over(line.assignments, loaded.options);
  ServerOptions& server = loaded.options.server;
  server.option_name = &flag_of_option;
  if (!server.engine.url.empty() && !max_message_given) {
    server.limits.max_message_bytes = kMostWithEngine;
  }
  if (error.empty()) error = sources.check(server);
  if (error.empty()) error = admin_options_error(loaded.options.admin);
  if (error.empty()) error = contradiction(loaded.options);
  return error;
}

}  // namespace

Loaded load_config(const Sources& sources) {
  Loaded loaded;
  CommandLine line = parse_command_line(sources.arguments);
  loaded.error = std::move(line.error);
  // The command line is checked first and on its own, so that its errors do not depend on the file
  // and the environment.
  DaemonOptions scratch;
  if (loaded.error.empty()) loaded.error = lay_over(line.assignments, scratch);
  if (!loaded.error.empty()) {
    loaded.exit_code = kExitUsage;
    return loaded;
  }
  loaded.action = line.action;
  loaded.print = std::move(line.print);
  if (loaded.action >= Action::kPrint) return loaded;
  loaded.warnings = environment_warnings(sources);
  loaded.config_path = line.config_path;
  if (loaded.config_path.empty()) {
    const std::string* const path = find_variable(sources, *find_flag("config"));
    if (path != nullptr) loaded.config_path = *path;
  }
  loaded.error = merge(sources, line, loaded);
  if (std::string warning = message_size_warning(loaded.options.server); !warning.empty()) {
    loaded.warnings.push_back(std::move(warning));
  }
  if (!loaded.error.empty()) loaded.exit_code = kExitBadConfiguration;
  return loaded;
}

std::vector<std::string> differing_settings(const DaemonOptions& left, const DaemonOptions& right) {
  std::vector<std::string> names;
  for (const Flag& flag : flag_table()) {
    if (flag.kind != FlagKind::kSetting || flag.get(left) == flag.get(right)) continue;
    names.emplace_back(flag.name);
  }
  return names;
}

ReloadReport reload_report(const DaemonOptions& running, const Loaded& reread) {
  if (!reread.error.empty()) {
    return {false,
            "the configuration is not valid, so the current one stays in use: " + reread.error};
  }
  const std::vector<std::string> names = differing_settings(running, reread.options);
  if (names.empty()) return {true, "the configuration is valid; no setting has changed"};
  std::string text =
      "the configuration is valid; " + std::to_string(names.size()) +
      (names.size() == 1 ? " setting has changed and needs" : " settings have changed and need") +
      " a restart: ";
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return {true, std::move(text)};
}

}  // namespace wsd::daemon
