#include "daemon/config/flag_table.h"

#include <wsd/check.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/config/flag_groups.h"
#include "daemon/config/flag_kinds.h"

namespace wsd::daemon {
namespace {

constexpr std::array<Choice<SlowPolicy>, 3> kSlowPolicies{
    {{"disconnect", SlowPolicy::kDisconnect},
     {"drop-newest", SlowPolicy::kDropNewest},
     {"drop-oldest", SlowPolicy::kDropOldest}}};
constexpr std::array<Choice<LogLevel>, 5> kLogLevels{{{"debug", LogLevel::kDebug},
                                                      {"info", LogLevel::kInfo},
                                                      {"warn", LogLevel::kWarn},
                                                      {"error", LogLevel::kError},
                                                      {"off", LogLevel::kOff}}};
constexpr std::array<Choice<DeflateMode>, 3> kDeflateModes{
    {{"off", DeflateMode::kOff},
     {"no-context-takeover", DeflateMode::kNoContextTakeover},
     {"on", DeflateMode::kContextTakeover}}};
constexpr std::array<Choice<LogFormat>, 3> kLogFormats{
    {{"auto", LogFormat::kAuto}, {"text", LogFormat::kText}, {"json", LogFormat::kJson}}};

std::string listen_error(std::string_view value) {
  return value == kSystemdAddress ? std::string() : check_listen_address(value);
}

Flag socket_mode() {
  Flag flag = setting(
      "MODE",
      {"socket-mode",
       "give the socket files of --listen unix:PATH this octal mode, as in 0660; without it, the "
       "umask decides; clients need write permission"});
  flag.set = [](Options& options, std::string_view value) {
    auto parsed = parse_file_mode(value);
    if (parsed.ok()) options.server.socket_mode = parsed.value;
    return std::move(parsed.error);
  };
  flag.get = [](const Options& options) {
    const auto& mode = options.server.socket_mode;
    return mode ? std::vector{format_file_mode(*mode)} : std::vector<std::string>{};
  };
  return flag;
}

std::string user_agent_error(std::string_view value) {
  if (value.empty()) return "'' would match every client: name a part of a User-Agent";
  return {};
}

Table listening_flags() {
  return {
      list(
          "ADDRESS",
          {"listen",
           "listen on HOST:PORT, [V6]:PORT, :PORT, unix:PATH, or systemd for the sockets that "
           "systemd passes"},
          &listen_error, [](Options & o) -> auto& { return o.listen; }),
      count<std::uint32_t>(
          {"reactors",
           "number of threads that serve connections, at most 64; 0 starts one per CPU that wsd "
           "may "
           "use, by its affinity and its cgroup's CPU quota"},
          [](Options & o) -> auto& { return o.server.reactors; }),
      count<std::uint32_t>(
          {"max-connections", "limit on open connections; 0 uses the open-file limit"},
          [](Options & o) -> auto& { return o.server.limits.max_connections; }),
      count<int>(
          {"backlog", "connections the kernel queues per listening socket until wsd accepts them"},
          [](Options & o) -> auto& { return o.server.listen_backlog; }),
      socket_mode(),
  };
}

Table handshake_flags() {
  return {
      list(
          "ORIGIN",
          {"allowed-origin",
           "also allow pages from SCHEME://HOST[:PORT], null or file://; HOST may be *.DOMAIN, and "
           "* alone allows all"},
          &check_origin, [](Options & o) -> auto& { return o.server.upgrade.allowed_origins; }),
      list(
          "HOST",
          {"allowed-host",
           "serve only requests for this host and for loopback hosts; HOST may be *.DOMAIN, and * "
           "alone serves all"},
          &check_host, [](Options & o) -> auto& { return o.server.http.allowed_hosts; }),
      list(
          "NAME", {"subprotocol", "offer this subprotocol, most preferred first"},
          &check_subprotocol, [](Options & o) -> auto& { return o.server.upgrade.subprotocols; }),
      duration(
          {"handshake-timeout",
           "close a connection that has not sent a complete request head within this time"},
          Zero::kRefused,
          [](Options & o) -> auto& { return o.server.upgrade.handshake_timeout_ms; }),
      duration(
          {"keep-alive-timeout",
           "close an HTTP connection that stays idle this long after a response, at least 1s; set "
           "it longer than your proxy keeps idle connections"},
          Zero::kRefused, [](Options & o) -> auto& { return o.server.http.keep_alive_timeout_ms; }),
      size<std::size_t>(
          {"max-head", "limit on a request head: request line and header fields together"},
          [](Options & o) -> auto& { return o.server.limits.max_head_bytes; }),
      size<std::size_t>(
          {"max-request-line", "limit on the request line"},
          [](Options & o) -> auto& { return o.server.limits.max_request_line_bytes; }),
      size<std::size_t>(
          {"max-field", "limit on one header field"},
          [](Options & o) -> auto& { return o.server.limits.max_field_bytes; }),
      count<std::uint32_t>(
          {"max-fields", "limit on the number of header fields"},
          [](Options & o) -> auto& { return o.server.limits.max_fields; }),
  };
}

Table heartbeat_flags() {
  return {
      duration(
          {"ping-interval", "send a Ping after this much silence; off sends none"}, Zero::kOff,
          [](Options & o) -> auto& { return o.server.heartbeat.ping_interval_ms; }),
      duration(
          {"pong-timeout",
           "close a connection that stays silent this long after a Ping; off never closes"},
          Zero::kOff, [](Options & o) -> auto& { return o.server.heartbeat.pong_timeout_ms; }),
      duration(
          {"read-timeout",
           "close a connection after this much silence in any case; off, or at least ping-interval "
           "+ "
           "pong-timeout"},
          Zero::kOff, [](Options & o) -> auto& { return o.server.heartbeat.read_timeout_ms; }),
  };
}

Table receiving_flags() {
  return {
      size<std::size_t>(
          {"max-message",
           "limit on a message, all fragments together; with --engine the default is 1MiB"},
          [](Options & o) -> auto& { return o.server.limits.max_message_bytes; }),
      count<std::uint32_t>(
          {"max-fragments", "limit on the fragments of one message"},
          [](Options & o) -> auto& { return o.server.limits.max_fragments; }),
      count<std::uint32_t>(
          {"max-empty-fragments", "limit on the empty fragments of one message"},
          [](Options & o) -> auto& { return o.server.limits.max_empty_fragments; }),
      duration(
          {"message-timeout",
           "close a connection that has not completed a message within this time of its first "
           "byte"},
          Zero::kRefused, [](Options & o) -> auto& { return o.server.limits.message_timeout_ms; }),
      size<std::size_t>(
          {"max-input-bytes",
           "limit on the memory for incomplete messages, all connections together"},
          [](Options & o) -> auto& { return o.server.limits.max_input_bytes; }),
      count<std::uint32_t>(
          {"max-control-frames-per-second",
           "limit on control frames per second from one connection; 0 for no limit"},
          [](Options & o) -> auto& { return o.server.limits.max_control_frames_per_second; }),
      size<std::size_t>(
          {"read-buffer", "size of each thread's receive buffer"},
          [](Options & o) -> auto& { return o.server.upgrade.read_buffer_size; }),
  };
}

Table sending_flags() {
  return {
      size<std::size_t>(
          {"send-queue-bytes",
           "limit on the bytes queued for one connection; a queue up to half full takes one "
           "message "
           "of any size"},
          [](Options & o) -> auto& { return o.server.limits.send_queue_bytes; }),
      count<std::uint32_t>(
          {"send-queue-frames", "limit on the frames queued for one connection"},
          [](Options & o) -> auto& { return o.server.limits.send_queue_frames; }),
      size<std::size_t>(
          {"max-output-bytes",
           "limit on the memory of all send queues together; messages that several connections "
           "share count once"},
          [](Options & o) -> auto& { return o.server.limits.max_output_bytes; }),
      choice(
          "POLICY",
          {"slow-policy",
           "what to do if a send queue is full: disconnect the client, drop-newest or drop-oldest"},
          kSlowPolicies, [](Options & o) -> auto& { return o.server.limits.slow_policy; }),
      count<std::uint32_t>(
          {"max-pending-publishes",
           "publishes that may wait for one thread before publishers are paused"},
          [](Options & o) -> auto& { return o.server.limits.max_pending_publishes; }),
      size<std::size_t>(
          {"max-pending-bytes",
           "bytes of publishes that may wait for one thread before publishers are paused"},
          [](Options & o) -> auto& { return o.server.limits.max_pending_bytes; }),
      duration(
          {"write-timeout",
           "close a connection that accepts no data for this long while data is queued"},
          Zero::kRefused, [](Options & o) -> auto& { return o.server.limits.write_timeout_ms; }),
      size<std::size_t>(
          {"socket-send-buffer", "SO_SNDBUF of each connection; 0 leaves it to the kernel"},
          [](Options & o) -> auto& { return o.server.upgrade.socket_send_buffer; }),
      size<std::uint32_t>(
          {"notsent-lowat", "TCP_NOTSENT_LOWAT of each connection; 0 leaves it to the kernel"},
          [](Options & o) -> auto& { return o.server.notsent_lowat; }),
  };
}

Table compression_flags() {
  return {
      choice(
          "MODE",
          {"deflate",
           "permessage-deflate: off, no-context-takeover (compress each message on its own), or on "
           "(keep windows between messages, up to 300KiB per connection)"},
          kDeflateModes, [](Options & o) -> auto& { return o.server.deflate.mode; }),
      size<std::size_t>(
          {"deflate-threshold", "do not compress messages smaller than this"},
          [](Options & o) -> auto& { return o.server.deflate.threshold; }),
      count<std::uint32_t>(
          {"deflate-level", "compress at this level, from 1 (fastest) to 9 (smallest)"},
          [](Options & o) -> auto& { return o.server.deflate.level; }),
      size<std::size_t>(
          {"deflate-memory",
           "limit on the memory for kept windows; new connections beyond it use "
           "no-context-takeover"},
          [](Options & o) -> auto& { return o.server.deflate.max_context_bytes; }),
      list(
          "TEXT",
          {"no-deflate-for",
           "do not compress for clients whose User-Agent contains TEXT, such as a browser that "
           "breaks the extension"},
          &user_agent_error,
          [](Options & o) -> auto& { return o.server.deflate.excluded_user_agents; }),
  };
}

Table closing_flags() {
  return {
      duration(
          {"close-timeout",
           "end a closing connection whose peer neither reads nor answers our Close frame within "
           "this time"},
          Zero::kRefused, [](Options & o) -> auto& { return o.server.limits.close_timeout_ms; }),
      duration(
          {"drain-delay",
           "go on accepting and serving for this long after SIGTERM, while /readyz and /healthz "
           "respond with 503, so that load balancers leave first; 0 drains at once"},
          Zero::kImmediate, [](Options & o) -> auto& { return o.server.drain_delay_ms; }),
      duration(
          {"drain-window",
           "spread the Close frames of a drain over this time; 0 sends them at once"},
          Zero::kImmediate, [](Options & o) -> auto& { return o.server.drain_window_ms; }),
      duration(
          {"drain-timeout",
           "force-close the connections still open this long after the drain, which follows "
           "--drain-delay, begins"},
          Zero::kRefused, [](Options & o) -> auto& { return o.server.drain_timeout_ms; }),
  };
}

Table logging_flags() {
  return {
      choice(
          "LEVEL", {"log-level", "log this level and above: debug, info, warn, error or off"},
          kLogLevels, [](Options & o) -> auto& { return o.server.log.level; }),
      choice(
          "FORMAT", {"log-format", "text, json, or auto: text on a terminal, json otherwise"},
          kLogFormats, [](Options & o) -> auto& { return o.server.log.format; }),
  };
}

Table command_flags() {
  return {
      unset(FlagKind::kConfigFile, "FILE", {"config", "read settings from FILE"}),
      unset(FlagKind::kAction, "",
            {"check-config", "check the settings, print them as a configuration file and exit"}),
      print_flag(),
      unset(FlagKind::kAction, "", {"help", "print this help and exit"}),
      unset(FlagKind::kAction, "", {"version", "print the version and exit"}),
  };
}

Table make_table() {
  const std::pair<std::string_view, Table (*)()> groups[] = {
      {"Listening", &listening_flags},
      {"Opening handshake", &handshake_flags},
      {"Authentication", &access_flags},
      {"Limits per client", &rate_flags},
      {"Heartbeat", &heartbeat_flags},
      {"Receiving", &receiving_flags},
      {"Sending", &sending_flags},
      {"Compression", &compression_flags},
      {"Rooms", &room_flags},
      {"Several nodes", &engine_flags},
      {"Closing", &closing_flags},
      {"Reverse proxies", &proxy_flags},
      {"Logging", &logging_flags},
      {"Monitoring", &admin_flags},
      {"General", &command_flags},
  };
  Table table;
  for (const auto& [title, flags_of] : groups) {
    for (Flag& flag : flags_of()) {
      flag.group = title;
      table.push_back(std::move(flag));
    }
  }
  return table;
}

}  // namespace

const std::vector<Flag>& flag_table() {
  static const Table table = make_table();
  return table;
}

const Flag* find_flag(std::string_view name) {
  const Table& table = flag_table();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Flag& flag) { return flag.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::string environment_name(const Flag& flag) {
  if (flag.kind == FlagKind::kAction) return {};
  std::string name = "WSD_";
  for (const char c : flag.name) {
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

std::string described(const Flag& flag) {
  return std::string(flag.help).append(flag.repeatable ? "; may be repeated" : "");
}

std::string default_text(const Flag& flag) {
  if (flag.kind != FlagKind::kSetting) return {};
  std::string text;
  for (const std::string& value : flag.get(DaemonOptions{})) {
    text.append(text.empty() ? "" : ", ").append(value);
  }
  return text.empty() ? "none" : text;
}

}  // namespace wsd::daemon
