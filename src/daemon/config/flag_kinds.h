// The kinds of settings in the flag table. Each kind defines how to parse and to print a value.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/config/flag_table.h"
#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {

using Options = DaemonOptions;
using Table = std::vector<Flag>;

// Accesses a setting of type T.
template <class T>
using Field = T& (*)(Options&);

struct Text {
  std::string_view name;
  std::string_view help;
};

inline Flag setting(std::string_view metavar, Text text) {
  Flag flag;
  flag.metavar = metavar;
  flag.name = text.name;
  flag.help = text.help;
  return flag;
}

inline Flag duration(Text text, Zero zero, Field<std::uint32_t> field) {
  Flag flag = setting("DURATION", text);
  flag.set = [=](Options& options, std::string_view value) {
    auto parsed = parse_duration_ms(value, zero);
    if (parsed.ok()) field(options) = parsed.value;
    return std::move(parsed.error);
  };
  flag.get = [=](Options options) { return std::vector{format_duration_ms(field(options), zero)}; };
  return flag;
}

template <class T>
Flag size(Text text, Field<T> field) {
  Flag flag = setting("SIZE", text);
  flag.set = [=](Options& options, std::string_view value) {
    auto parsed = parse_size(value, std::numeric_limits<T>::max());
    if (parsed.ok()) field(options) = static_cast<T>(parsed.value);
    return std::move(parsed.error);
  };
  flag.get = [=](Options options) { return std::vector{format_size(field(options))}; };
  return flag;
}

template <class T>
Flag count(Text text, Field<T> field) {
  Flag flag = setting("N", text);
  flag.set = [=](Options& options, std::string_view value) {
    auto parsed = parse_count(value, static_cast<std::uint64_t>(std::numeric_limits<T>::max()));
    if (parsed.ok()) field(options) = static_cast<T>(parsed.value);
    return std::move(parsed.error);
  };
  flag.get = [=](Options options) { return std::vector{std::to_string(field(options))}; };
  return flag;
}

template <class T>
struct Choice {
  std::string_view name;
  T value;
};

template <class T, std::size_t N>
Flag choice(std::string_view metavar, Text text, const std::array<Choice<T>, N>& choices,
            Field<std::type_identity_t<T>> field) {
  Flag flag = setting(metavar, text);
  for (const auto& each : choices) flag.values.push_back(each.name);
  flag.set = [=](Options& options, std::string_view value) -> std::string {
    std::string names;
    for (const auto& each : choices) {
      if (each.name == value) {
        field(options) = each.value;
        return {};
      }
      names.append(names.empty() ? "" : ", ").append(each.name);
    }
    return quote(value) + " is not one of " + names;
  };
  flag.get = [=](Options options) {
    const auto found = std::find_if(choices.begin(), choices.end(),
                                    [&](const auto& each) { return each.value == field(options); });
    return std::vector{std::string(found == choices.end() ? "" : found->name)};
  };
  return flag;
}

inline Flag list(std::string_view metavar, Text text, std::string (*error_of)(std::string_view),
                 Field<std::vector<std::string>> field) {
  Flag flag = setting(metavar, text);
  flag.repeatable = true;
  flag.set = [=](Options& options, std::string_view value) {
    std::string error = error_of(value);
    if (error.empty()) field(options).emplace_back(value);
    return error;
  };
  flag.get = [=](Options options) { return field(options); };
  flag.clear = [=](Options& options) { field(options).clear(); };
  return flag;
}

// A setting without a default, or with a text as its default. `error_of` returns why a value is not
// valid, or an empty string.
inline Flag text_value(std::string_view metavar, Text text,
                       std::string (*error_of)(std::string_view), Field<std::string> field) {
  Flag flag = setting(metavar, text);
  flag.set = [=](Options& options, std::string_view value) {
    std::string error = error_of(value);
    if (error.empty()) field(options) = value;
    return error;
  };
  flag.get = [=](Options options) {
    return field(options).empty() ? std::vector<std::string>() : std::vector{field(options)};
  };
  return flag;
}

inline std::string file_name_error(std::string_view value) {
  const bool odd = std::any_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
  });
  if (value.empty() || odd) return quote(value) + " is not a file name without spaces; rename it";
  return {};
}

// An optional name of a file or directory.
inline Flag file_name(std::string_view metavar, Text text, Field<std::string> field) {
  return text_value(metavar, text, &file_name_error, field);
}

inline Flag unset(FlagKind kind, std::string_view metavar, Text text) {
  Flag flag = setting(metavar, text);
  flag.kind = kind;
  return flag;
}

}  // namespace wsd::daemon
