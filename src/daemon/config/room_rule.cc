#include "daemon/config/room_rule.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/text/room_name.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::array<std::pair<std::string_view, SlowPolicy>, 4> kPolicies = {{
    {"disconnect", SlowPolicy::kDisconnect},
    {"drop-newest", SlowPolicy::kDropNewest},
    {"drop-oldest", SlowPolicy::kDropOldest},
    {"latest-only", SlowPolicy::kLatestOnly},
}};

Parsed<SlowPolicy> parse_policy(std::string_view text) {
  std::string names;
  for (const auto& [name, policy] : kPolicies) {
    if (name == text) return {policy, {}};
    names.append(names.empty() ? "" : ", ").append(name);
  }
  return {{}, quote(text) + " is not one of " + names};
}

std::string format_policy(SlowPolicy policy) {
  for (const auto& [name, each] : kPolicies) {
    if (each == policy) return std::string(name);
  }
  return {};
}

Parsed<bool> parse_switch(std::string_view text) {
  if (text == "on" || text == "off") return {text == "on", {}};
  return {{}, quote(text) + " is not on or off"};
}

// Stores a parsed value in a setting that has no value yet.
template <class T, class Value>
std::string store(std::optional<T>& setting, Parsed<Value> parsed) {
  if (setting.has_value()) return "the setting is given twice; keep one of the two";
  if (!parsed.ok()) return std::move(parsed.error);
  setting = static_cast<T>(parsed.value);
  return {};
}

struct Setting {
  std::string_view name;
  std::string (*set)(RoomRule& rule, std::string_view value);
  std::optional<std::string> (*get)(const RoomRule& rule);
};

constexpr std::array<Setting, 6> kSettings = {{
    {"slow-policy",
     [](RoomRule& rule, std::string_view value) {
       return store(rule.slow_policy, parse_policy(value));
     },
     [](const RoomRule& rule) {
       return rule.slow_policy ? std::optional(format_policy(*rule.slow_policy)) : std::nullopt;
     }},
    {"history-messages",
     [](RoomRule& rule, std::string_view value) {
       constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
       return store(rule.history_messages, parse_count(value, kMost));
     },
     [](const RoomRule& rule) {
       return rule.history_messages ? std::optional(std::to_string(*rule.history_messages))
                                    : std::nullopt;
     }},
    {"history-bytes",
     [](RoomRule& rule, std::string_view value) {
       constexpr std::uint64_t kMost = std::numeric_limits<std::size_t>::max();
       return store(rule.history_bytes, parse_size(value, kMost));
     },
     [](const RoomRule& rule) {
       return rule.history_bytes ? std::optional(format_size(*rule.history_bytes)) : std::nullopt;
     }},
    {"history-age",
     [](RoomRule& rule, std::string_view value) {
       return store(rule.history_age_ms, parse_duration_ms(value, Zero::kRefused));
     },
     [](const RoomRule& rule) {
       return rule.history_age_ms
                  ? std::optional(format_duration_ms(*rule.history_age_ms, Zero::kRefused))
                  : std::nullopt;
     }},
    {"delivery-window",
     [](RoomRule& rule, std::string_view value) {
       return store(rule.delivery_window_ms, parse_duration_ms(value, Zero::kImmediate));
     },
     [](const RoomRule& rule) {
       return rule.delivery_window_ms
                  ? std::optional(format_duration_ms(*rule.delivery_window_ms, Zero::kImmediate))
                  : std::nullopt;
     }},
    {"presence",
     [](RoomRule& rule, std::string_view value) {
       return store(rule.presence, parse_switch(value));
     },
     [](const RoomRule& rule) {
       return rule.presence ? std::optional<std::string>(*rule.presence ? "on" : "off")
                            : std::nullopt;
     }},
}};

std::string names_of_settings() {
  std::string names;
  for (const Setting& each : kSettings) names.append(names.empty() ? "" : ", ").append(each.name);
  return names;
}

// Stores "NAME=VALUE" in `rule`. Returns an empty string, or an error clause.
std::string set(RoomRule& rule, std::string_view word) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  if (equals == std::string_view::npos) {
    return quote(word) + " has no \"=\"; write SETTING=VALUE, where SETTING is one of " +
           names_of_settings();
  }
  for (const Setting& each : kSettings) {
    if (each.name != name) continue;
    std::string error = each.set(rule, word.substr(equals + 1));
    return error.empty() ? error : std::string(name) + ": " + error;
  }
  return quote(name) + " is not a room setting; use one of " + names_of_settings();
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view kSpace = " \t";
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const std::size_t end = text.find_first_of(kSpace, at);
    words.push_back(text.substr(at, end - at));
    at = end == std::string_view::npos ? end : text.find_first_not_of(kSpace, end);
  }
  return words;
}

}  // namespace

Parsed<RoomRule> parse_room_rule(std::string_view text) {
  Parsed<RoomRule> parsed;
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() < 2) {
    parsed.error = quote(text) +
                   " is not a room rule; write PATTERN SETTING=VALUE, such as \"quotes-* "
                   "slow-policy=latest-only\"";
    return parsed;
  }
  parsed.value.pattern = words.front();
  parsed.error = room_name_error(words.front());
  if (!parsed.error.empty()) {
    parsed.error = quote(words.front()) + " matches no room: " + parsed.error;
  }
  for (std::size_t i = 1; i < words.size() && parsed.ok(); ++i) {
    parsed.error = set(parsed.value, words[i]);
  }
  return parsed;
}

std::string format_room_rule(const RoomRule& rule) {
  std::string text = rule.pattern;
  for (const Setting& each : kSettings) {
    if (const auto value = each.get(rule))
      text.append(" ").append(each.name).append("=").append(*value);
  }
  return text;
}

}  // namespace wsd::daemon
