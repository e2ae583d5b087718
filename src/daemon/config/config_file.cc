#include "daemon/config/config_file.h"

#include <algorithm>
#include <utility>

#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // some editors write it before UTF-8

struct Line {
  std::string_view key;  // empty for a blank line or a comment
  std::string_view value;
  std::string error;
};

// Removes a trailing comment. "#" begins one only after a space or a tab.
std::string_view without_comment(std::string_view value) {
  for (std::size_t at = value.find('#', 1); at < value.size(); at = value.find('#', at + 1)) {
    if (value[at - 1] == ' ' || value[at - 1] == '\t') return trimmed(value.substr(0, at));
  }
  return value;
}

Line parse_line(std::string_view text) {
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
  });
  if (control) return {{}, {}, "the line contains a control byte; remove it: " + quote(text)};
  text = trimmed(text);
  if (text.empty() || text.front() == '#') return {};
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return {{}, {}, quote(text) + " is not a setting; write key = value, or # before a comment"};
  }
  Line line;
  line.key = trimmed(text.substr(0, equals));
  line.value = without_comment(trimmed(text.substr(equals + 1)));
  if (line.key.empty()) {
    line.error = "there is no key before \"=\"; write key = value";
  } else if (line.value.empty()) {
    line.error =
        quote(line.key) + " has no value; write one, or remove the line to use the default";
  }
  return line;
}

std::string unknown_key(std::string_view key) {
  if (find_flag(key) != nullptr) {
    return quote(key) + " can be set only on the command line; remove this line";
  }
  std::vector<std::string_view> names;
  for (const Flag& flag : flag_table()) {
    if (flag.kind == FlagKind::kSetting) names.push_back(flag.name);
  }
  // The most likely mistake is a key in its form for the command line or the environment.
  std::string plain(key.substr(std::min(key.find_first_not_of('-'), key.size())));
  std::replace(plain.begin(), plain.end(), '_', '-');
  const std::string_view meant = closest_match(plain, names);
  return quote(key) + " is not a setting" +
         (meant.empty() ? "; wsd --help lists the settings"
                        : "; did you mean " + quote(meant) + "?");
}

// Returns an error if `flag` is already set and not repeatable, else an empty string.
std::string doubled_key(const Flag& flag, const std::vector<ConfigEntry>& before) {
  if (flag.repeatable) return {};
  const auto first = std::find_if(before.begin(), before.end(),
                                  [&](const ConfigEntry& entry) { return entry.flag == &flag; });
  if (first == before.end()) return {};
  return quote(flag.name) + " is already set on line " + std::to_string(first->line) +
         "; keep one of the two lines";
}

}  // namespace

Config parse_config(std::string_view name, std::string_view text) {
  Config config;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::size_t number = 0;
  for (std::string_view raw : split(text, '\n')) {
    ++number;
    if (raw.ends_with('\r')) raw.remove_suffix(1);
    Line line = parse_line(raw);
    if (line.error.empty() && line.key.empty()) continue;
    const Flag* const flag = find_flag(line.key);
    if (line.error.empty()) {
      line.error = flag == nullptr || flag->kind != FlagKind::kSetting
                       ? unknown_key(line.key)
                       : doubled_key(*flag, config.entries);
    }
    if (!line.error.empty()) {
      return {{}, std::string(name) + ":" + std::to_string(number) + ": " + line.error};
    }
    config.entries.push_back({flag, std::string(line.value), number});
  }
  return config;
}

std::string render_config(const DaemonOptions& options) {
  std::string out;
  std::string_view group;
  for (const Flag& flag : flag_table()) {
    if (flag.kind != FlagKind::kSetting) continue;
    if (flag.group != group) {
      group = flag.group;
      out.append("\n# ").append(group).append("\n");
    }
    const std::vector<std::string> values = flag.get(options);
    if (values.empty()) out.append("# ").append(flag.name).append(": none\n");
    for (const std::string& value : values) {
      out.append(flag.name).append(" = ").append(value).append("\n");
    }
  }
  return out;
}

FileText read_config_file(const std::string& path, FileKinds kinds) {
  return read_file({"configuration file", "--config", kinds}, path);
}

}  // namespace wsd::daemon
