#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/command_table.h"
#include "daemon/config/flag_table.h"
#include "daemon/config/generated_texts.h"

namespace wsd::daemon {
namespace {

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

// Escapes `text` for a string in single quotes: a backslash before each of `marks`, and `quote` in
// place of each single quote.
std::string escaped(std::string_view text, std::string_view marks, std::string_view quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += quote;
      continue;
    }
    if (marks.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

bool takes_value(const Flag& flag) { return !flag.metavar.empty(); }

std::string options_of(const CommandText& command) {
  std::string text;
  for (const CommandOption& option : command.options) {
    text.append(text.empty() ? "--" : " --").append(option.name);
  }
  return text;
}

// One case for each command, for bash.
std::string bash_commands() {
  std::string out;
  for (const CommandText& command : command_table()) {
    out.append("    ").append(command.name).append(") words=$(compgen -W '");
    out.append(options_of(command)).append("' -- \"$word\"");
    if (command.directory) out += "; compgen -d -- \"$word\"";
    out += ") ;;\n";
  }
  return out;
}

}  // namespace

std::string bash_completion() {
  std::vector<std::string_view> free;  // flags that accept any value
  std::string cases;
  std::string flags;
  for (const Flag& flag : flag_table()) {
    flags.append(flags.empty() ? "--" : " --").append(flag.name);
    if (!takes_value(flag)) continue;
    if (flag.kind == FlagKind::kConfigFile) {
      cases.append("    --").append(flag.name).append(") words=$(compgen -f -- \"$word\") ;;\n");
    } else if (flag.values.empty()) {
      free.push_back(flag.name);
    } else {
      cases.append("    --").append(flag.name).append(") words=$(compgen -W '");
      cases.append(joined(flag.values)).append("' -- \"$word\") ;;\n");
    }
  }
  std::string commands;
  for (const CommandText& command : command_table()) commands.append(command.name) += ' ';
  std::string any;
  for (const std::string_view name : free) {
    any.append(any.empty() ? "    --" : " | --").append(name);
  }
  return R"(# Completion of wsd's flags for bash. Made by: wsd --print bash
_wsd() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
  # Bash splits --flag=value at the "=".
  if [[ $word == "=" ]]; then
    word=
  elif [[ $before == "=" && $COMP_CWORD -ge 2 ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  local command=
  [[ $COMP_CWORD -lt 2 ]] || command=${COMP_WORDS[1]}
  case $command in
)" + bash_commands() +
         R"(    *) case $before in
)" + cases +
         any +
         R"() ;;
    *) words=$(compgen -W ')" +
         commands + flags + R"(' -- "$word") ;;
    esac ;;
  esac
  mapfile -t COMPREPLY < <([[ -z $words ]] || printf '%s\n' "$words")
}
complete -F _wsd wsd
)";
}

std::string zsh_completion() {
  std::string out = "#compdef wsd\n# Completion of wsd's flags for zsh. Made by: wsd --print zsh\n";
  out += "_arguments";
  std::string commands;
  for (const CommandText& command : command_table()) {
    commands.append(commands.empty() ? "" : " ").append(command.name);
  }
  out.append(" \\\n  '1:command:(").append(commands).append(")'");
  for (const Flag& flag : flag_table()) {
    out.append(" \\\n  '").append(flag.repeatable ? "*" : "").append("--").append(flag.name);
    if (takes_value(flag)) out += '=';
    out.append("[").append(escaped(described(flag), "\\[]", "'\\''")).append("]");
    if (takes_value(flag)) {
      out.append(":").append(escaped(flag.metavar, ":", "")).append(":");
      if (flag.kind == FlagKind::kConfigFile) out += "_files";
      if (!flag.values.empty()) out.append("(").append(joined(flag.values)).append(")");
    }
    out += '\'';
  }
  return out + "\n";
}

std::string fish_completion() {
  std::string out = "# Completion of wsd's flags for fish. Made by: wsd --print fish\n";
  out += "complete -c wsd -f\n";
  for (const Flag& flag : flag_table()) {
    out.append("complete -c wsd -l ").append(flag.name);
    if (flag.kind == FlagKind::kConfigFile) {
      out += " -r -F";
    } else if (takes_value(flag)) {
      out += " -x";
    }
    if (!flag.values.empty()) out.append(" -a '").append(joined(flag.values)).append("'");
    out.append(" -d '").append(escaped(described(flag), "\\", "\\'")).append("'\n");
  }
  for (const CommandText& command : command_table()) {
    out.append("complete -c wsd -n __fish_use_subcommand -a ").append(command.name);
    out.append(" -d '").append(command.help).append("'\n");
    for (const CommandOption& option : command.options) {
      out.append("complete -c wsd -n '__fish_seen_subcommand_from ").append(command.name);
      out.append("' -l ").append(option.name).append(option.metavar.empty() ? "" : " -x");
      out.append(" -d '").append(option.help).append("'\n");
    }
    if (!command.directory) continue;
    out.append("complete -c wsd -n '__fish_seen_subcommand_from ").append(command.name);
    out += "' -a '(__fish_complete_directories)'\n";
  }
  return out;
}

}  // namespace wsd::daemon
