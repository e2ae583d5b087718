// Flags for rooms: publishing over HTTP, history and room rules.
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

constexpr std::array<Choice<bool>, 2> kSwitch = {{{"off", false}, {"on", true}}};

// "each", "off", or the time between two syncs.
Flag history_sync() {
  Flag flag = setting(
      "WHEN",
      {"history-sync",
       "force --history-dir to disk before each message is delivered (each), or once per DURATION "
       "from 1ms to 1m, or leave it to the kernel (off)"});
  flag.set = [](Options& options, std::string_view value) -> std::string {
    HistoryLogOptions& log = options.server.history.log;
    if (value == "each" || value == "off") {
      log.sync = value == "each" ? HistorySync::kEach : HistorySync::kOff;
      log.sync_interval_ms = HistoryLogOptions{}.sync_interval_ms;
      return {};
    }
    const auto parsed = parse_duration_ms(value, Zero::kRefused);
    constexpr std::uint32_t kMost = 60'000;
    if (!parsed.ok() || parsed.value > kMost) {
      return quote(value) + " is not each, off, or a duration from 1ms to 1m such as 100ms";
    }
    log.sync = HistorySync::kInterval;
    log.sync_interval_ms = parsed.value;
    return {};
  };
  flag.get = [](const Options& options) {
    const HistoryLogOptions& log = options.server.history.log;
    if (log.sync == HistorySync::kEach) return std::vector<std::string>{"each"};
    if (log.sync == HistorySync::kOff) return std::vector<std::string>{"off"};
    return std::vector{format_duration_ms(log.sync_interval_ms, Zero::kRefused)};
  };
  return flag;
}

Flag rules() {
  Flag flag = setting(
      "RULE",
      {"room-rule",
       "override settings for some rooms: PATTERN SETTING=VALUE..., with slow-policy (latest-only "
       "keeps just the newest queued message), history-messages, history-bytes, history-age, "
       "delivery-window or presence; the first matching pattern applies"});
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
          "FILE", {"publish-token-file", "file with the token that allows publishing"},
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
      file_name(
          "DIR",
          {"history-dir",
           "keep the history of rooms also in this directory, so that it survives a restart and a "
           "crash; wsd creates the directory"},
          [](Options & o) -> auto& { return o.server.history.log.directory; }),
      history_sync(),
      choice(
          "MODE",
          {"history-dir-any",
           "on allows --history-dir on a file system with unreliable syncs or locks, such as NFS "
           "and FUSE"},
          kSwitch, [](Options & o) -> auto& { return o.server.history.log.any_file_system; }),
      duration(
          {"delivery-window",
           "send a room's messages within this time together, one send for each member: less CPU "
           "for busy rooms, and that much more latency; at most 1s; 0 sends them at once"},
          Zero::kImmediate, [](Options & o) -> auto& { return o.server.delivery_window_ms; }),
      choice(
          "MODE",
          {"presence",
           "on tells the members of each room, by messages, when a client joins or leaves, and "
           "lists them at /rooms/ROOM/members?limit=N"},
          kSwitch, [](Options & o) -> auto& { return o.server.presence.enabled; }),
      rules(),
  };
}

}  // namespace wsd::daemon
