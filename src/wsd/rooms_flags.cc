// Settings of rooms: publishing over HTTP, and history.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flag_groups.h"
#include "room_rule.h"

namespace wsd::daemon {
namespace {

constexpr std::array<Choice<PublishMode>, 3> kPublishModes = {{
    {"off", PublishMode::kOff},
    {"loopback", PublishMode::kLoopback},
    {"token", PublishMode::kToken},
}};

// A file's name, or none.
Flag file_name(Text text, Field<std::string> field) {
  Flag flag = setting("FILE", text);
  flag.set = [=](Options& options, std::string_view value) -> std::string {
    const bool odd = std::any_of(value.begin(), value.end(), [](char c) {
      return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
    });
    if (value.empty() || odd) return in_quotes(value) + " is no file name without spaces";
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
      {"room",
       "what is different in some rooms: PATTERN SETTING=VALUE..., settings being slow-policy "
       "(latest-only too: the newest message takes the place of the one that waits), "
       "history-messages, history-bytes and history-age; the first pattern that fits counts"});
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
           "who may POST and GET /rooms/ROOM: off, nobody; loopback, clients on this machine; "
           "token, who has the token. A token file opens it to who has the token in any case"},
          kPublishModes, [](Options & o) -> auto& { return o.publish; }),
      file_name(
          {"publish-token-file", "a file with the token that publishes, in one line"},
          [](Options & o) -> auto& { return o.publish_token_file; }),
      duration(
          {"response-timeout", "what an answer to a publish may take, then 503"}, Zero::kRefused,
          [](Options & o) -> auto& { return o.server.http.response_timeout_ms; }),
      count<std::uint32_t>(
          {"history-messages", "messages that each room keeps for who joins later; 0: none"},
          [](Options & o) -> auto& { return o.server.history.messages; }),
      size<std::size_t>(
          {"history-bytes", "what these may take for each room, 64 for each beside its bytes"},
          [](Options & o) -> auto& { return o.server.history.bytes; }),
      duration(
          {"history-age", "how long a message is kept"}, Zero::kRefused,
          [](Options & o) -> auto& { return o.server.history.age_ms; }),
      size<std::size_t>(
          {"history-memory", "what the messages kept for all rooms together may take"},
          [](Options & o) -> auto& { return o.server.history.total_bytes; }),
      rules(),
  };
}

}  // namespace wsd::daemon
