// Flags for rooms: publishing over HTTP, history and room rules.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/config/flag_groups.h"
#include "daemon/config/room_rule.h"

namespace wsd::daemon {
namespace {

constexpr std::array<Choice<PublishMode>, 3> kPublishModes = {{
    {"off", PublishMode::kOff},
    {"loopback", PublishMode::kLoopback},
    {"token", PublishMode::kToken},
}};

// An optional file name.
Flag file_name(Text text, Field<std::string> field) {
  Flag flag = setting("FILE", text);
  flag.set = [=](Options& options, std::string_view value) -> std::string {
    const bool odd = std::any_of(value.begin(), value.end(), [](char c) {
      return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
    });
    if (value.empty() || odd)
      return quote(value) + " is not a file name without spaces; rename the file";
    field(options) = value;
    return {};
  };
  flag.get = [=](Options options) {
    return field(options).empty() ? std::vector<std::string>() : std::vector{field(options)};
  };
  return flag;
}

Flag rules() {
  Flag flag = setting(
      "RULE",
      {"room-rule",
       "override settings for some rooms: PATTERN SETTING=VALUE..., with slow-policy (latest-only "
       "keeps just the newest queued message), history-messages, history-bytes or history-age; the "
       "first matching pattern applies"});
  flag.repeatable = true;
  flag.set = [](Options& options, std::string_view value) -> std::string {
    Parsed<RoomRule> parsed = parse_room_rule(value);
    if (parsed.ok()) options.server.rooms.push_back(std::move(parsed.value));
    return std::move(parsed.error);
  };
  flag.get = [](const Options& options) {
    std::vector<std::string> texts;
    for (const RoomRule& rule : options.server.rooms) texts.push_back(format_room_rule(rule));
    return texts;
  };
  flag.clear = [](Options& options) { options.server.rooms.clear(); };
  return flag;
}

}  // namespace

Table room_flags() {
  return {
      choice(
          "MODE",
          {"publish",
           "allow POST and GET on /rooms/ROOM: off, loopback (clients on this machine) or token "
           "(holders of the token in --publish-token-file, which also works with the other modes)"},
          kPublishModes, [](Options & o) -> auto& { return o.publish; }),
      file_name(
          {"publish-token-file", "file with the token that allows publishing"},
          [](Options & o) -> auto& { return o.publish_token_file; }),
      duration(
          {"response-timeout",
           "answer 503 if a request on /rooms/ROOM has no result within this time"},
          Zero::kRefused, [](Options & o) -> auto& { return o.server.http.response_timeout_ms; }),
      count<std::uint32_t>(
          {"history-messages", "keep this many messages per room for later members; 0 keeps none"},
          [](Options & o) -> auto& { return o.server.history.messages; }),
      size<std::size_t>(
          {"history-bytes",
           "limit on the memory of one room's history; each message needs its size plus about 60 "
           "bytes"},
          [](Options & o) -> auto& { return o.server.history.bytes; }),
      duration(
          {"history-age", "discard messages older than this"}, Zero::kRefused,
          [](Options & o) -> auto& { return o.server.history.age_ms; }),
      size<std::size_t>(
          {"history-memory",
           "limit on the memory of all histories, including rooms that exist only for their "
           "history"},
          [](Options & o) -> auto& { return o.server.history.total_bytes; }),
      rules(),
  };
}

}  // namespace wsd::daemon
