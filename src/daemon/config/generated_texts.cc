#include "daemon/config/generated_texts.h"

#include <algorithm>
#include <array>

#include "daemon/config/flag_groups.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

struct Printable {
  std::string_view name;
  std::string (*text)();
};

constexpr std::array<Printable, 5> kPrintables{{
    {"man", &man_page},
    {"bash", &bash_completion},
    {"zsh", &zsh_completion},
    {"fish", &fish_completion},
    {"config", &config_example},
}};

const Printable* find(std::string_view what) {
  const auto* const found = std::find_if(kPrintables.begin(), kPrintables.end(),
                                         [&](const Printable& each) { return each.name == what; });
  return found == kPrintables.end() ? nullptr : found;
}

}  // namespace

Flag print_flag() {
  Flag flag =
      unset(FlagKind::kAction, "WHAT",
            {"print",
             "print a generated text and exit: man, bash, zsh, fish (completions) or config (an "
             "example configuration file)"});
  for (const Printable& each : kPrintables) flag.values.push_back(each.name);
  return flag;
}

std::string print_error(std::string_view what) {
  if (find(what) != nullptr) return {};
  std::string names;
  for (const Printable& each : kPrintables) {
    names.append(names.empty() ? "" : ", ").append(each.name);
  }
  return "--print: " + quote(what) + " is not one of " + names;
}

std::string printed(std::string_view what) {
  const Printable* const found = find(what);
  return found == nullptr ? std::string() : found->text();
}

}  // namespace wsd::daemon
