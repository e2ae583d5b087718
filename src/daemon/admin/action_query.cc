#include "daemon/admin/action_query.h"

#include <wsd/check.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kMaxReason = 123;  // RFC 6455 §5.5: 125 bytes less the code

std::string_view name_of(std::string_view pair) { return pair.substr(0, pair.find('=')); }

// Returns "a, b and c".
std::string words(const std::vector<std::string_view>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

std::string set_cursor(ActionQuery& parsed, const std::string& value) {
  const auto cursor = parse_count(value, std::numeric_limits<std::uint64_t>::max());
  parsed.after = cursor.value;
  if (cursor.ok()) return {};
  return "after=" + quote(value) + " is not a cursor: use the value of \"next\", or 0";
}

std::string set_limit(ActionQuery& parsed, const std::string& value) {
  const auto limit = parse_count(value, kMaxListingRows);
  parsed.limit = static_cast<std::uint32_t>(limit.value);
  if (limit.ok() && limit.value != 0) return {};
  return "limit=" + quote(value) + " is not a limit: use a whole number from 1 to " +
         std::to_string(kMaxListingRows);
}

std::string set_code(ActionQuery& parsed, const std::string& value) {
  const auto code = parse_count(value, std::numeric_limits<std::uint16_t>::max());
  constexpr std::uint16_t kOfClients = 1010;  // RFC 6455 §7.4.1: a server does not use it
  if (code.ok() && code.value != kOfClients &&
      is_sendable_close_code(static_cast<std::uint16_t>(code.value))) {
    parsed.code = static_cast<CloseCode>(code.value);
    return {};
  }
  return "code=" + quote(value) +
         " is not a close code that a server may send: use 1000, 1008 or one from 3000 to 4999";
}

std::string set_reason(ActionQuery& parsed, const std::string& value) {
  parsed.reason = value;
  if (!is_utf8(value)) return "reason=" + quote(value) + " is not UTF-8";
  if (value.size() <= kMaxReason) return {};
  return "reason has " + std::to_string(value.size()) + " bytes; a Close frame holds at most " +
         std::to_string(kMaxReason);
}

std::string set(ActionQuery& parsed, std::string_view name, const std::string& value) {
  if (name == "after") return set_cursor(parsed, value);
  if (name == "limit") return set_limit(parsed, value);
  if (name == "code") return set_code(parsed, value);
  if (name == "reason") return set_reason(parsed, value);
  (name == "user" ? parsed.filter.user : parsed.filter.room) = value;
  return {};
}

}  // namespace

ActionQuery parse_action_query(std::string_view query,
                               const std::vector<std::string_view>& allowed) {
  ActionQuery parsed;
  if (query.empty()) return parsed;
  std::vector<std::string_view> seen;
  for (const std::string_view pair : split(query, '&')) {
    const std::string_view name = name_of(pair);
    const auto has = [name](const std::vector<std::string_view>& names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    const std::optional<std::string> value =
        percent_decode(pair.substr(std::min(name.size() + 1, pair.size())));
    if (!has(allowed) || has(seen)) {
      parsed.error =
          quote(name) + " is not expected: the query may contain " + words(allowed) + ", each once";
    } else if (!value) {
      parsed.error = quote(pair) + " is not validly percent-encoded";
    } else {
      parsed.error = set(parsed, name, *value);
    }
    if (!parsed.error.empty()) return parsed;
    seen.push_back(name);
  }
  return parsed;
}

bool asks_for_page(std::string_view query) {
  const std::vector<std::string_view> pairs = split(query, '&');
  return std::any_of(pairs.begin(), pairs.end(), [](std::string_view pair) {
    const std::string_view name = name_of(pair);
    return name == "user" || name == "room" || name == "after";
  });
}

}  // namespace wsd::daemon
