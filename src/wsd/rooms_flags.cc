// Settings of rooms: publishing over HTTP, and history.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "flag_groups.h"

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
  };
}

}  // namespace wsd::daemon
