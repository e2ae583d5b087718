#include "flag_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "address_text.h"
#include "flag_groups.h"
#include "flag_kinds.h"

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

Table listening_flags() {
  return {
      list(
          "ADDRESS",
          {"listen",
           "HOST:PORT, [V6]:PORT, :PORT, unix:PATH, or systemd: the sockets that it passes; may be "
           "repeated"},
          &listen_address_error, [](Options & o) -> auto& { return o.listen; }),
      count<std::uint32_t>(
          {"reactors", "threads; 0: one for each core, at most 64"},
          [](Options & o) -> auto& { return o.server.reactors; }),
      count<std::uint32_t>(
          {"max-connections", "at once; 0: as many as the open-file limit allows"},
          [](Options & o) -> auto& { return o.server.limits.max_connections; }),
      count<int>(
          {"backlog", "connections the kernel holds until they are accepted"},
          [](Options & o) -> auto& { return o.server.listen_backlog; }),
  };
}

Table handshake_flags() {
  return {
      list(
          "ORIGIN",
          {"origin",
           "SCHEME://HOST[:PORT] that may connect beside the server's own, HOST may be *.DOMAIN; "
           "or * "
           "for all; may be repeated"},
          &origin_error, [](Options & o) -> auto& { return o.server.upgrade.allowed_origins; }),
      list(
          "NAME",
          {"subprotocol", "a subprotocol spoken here, the preferred first; may be repeated"},
          &subprotocol_error, [](Options & o) -> auto& { return o.server.upgrade.subprotocols; }),
      duration(
          {"handshake-timeout", "from connecting to a complete request head"}, Zero::kRefused,
          [](Options & o) -> auto& { return o.server.upgrade.handshake_timeout_ms; }),
      size<std::size_t>(
          {"max-head", "a request's head, all of its lines"},
          [](Options & o) -> auto& { return o.server.limits.max_head_bytes; }),
      size<std::size_t>(
          {"max-request-line", "a request's first line"},
          [](Options & o) -> auto& { return o.server.limits.max_request_line_bytes; }),
      size<std::size_t>(
          {"max-field", "one header field of a request"},
          [](Options & o) -> auto& { return o.server.limits.max_field_bytes; }),
      count<std::uint32_t>(
          {"max-fields", "header fields of a request"},
          [](Options & o) -> auto& { return o.server.limits.max_fields; }),
  };
}

Table heartbeat_flags() {
  return {
      duration(
          {"ping-interval", "silence after which a Ping is sent; off: never"}, Zero::kOff,
          [](Options & o) -> auto& { return o.server.heartbeat.ping_interval_ms; }),
      duration(
          {"pong-timeout", "further silence after which the peer counts as gone; off: never"},
          Zero::kOff, [](Options & o) -> auto& { return o.server.heartbeat.pong_timeout_ms; }),
      duration(
          {"read-timeout",
           "the longest silence allowed; off, or at least ping-interval + pong-timeout"},
          Zero::kOff, [](Options & o) -> auto& { return o.server.heartbeat.read_timeout_ms; }),
  };
}

Table receiving_flags() {
  return {
      size<std::size_t>(
          {"max-message", "a message, all its fragments together"},
          [](Options & o) -> auto& { return o.server.limits.max_message_bytes; }),
      count<std::uint32_t>(
          {"max-fragments", "fragments of a message"},
          [](Options & o) -> auto& { return o.server.limits.max_fragments; }),
      count<std::uint32_t>(
          {"max-empty-fragments", "fragments of a message that carry nothing"},
          [](Options & o) -> auto& { return o.server.limits.max_empty_fragments; }),
      duration(
          {"message-timeout", "from a message's first byte to its last"}, Zero::kRefused,
          [](Options & o) -> auto& { return o.server.limits.message_timeout_ms; }),
      size<std::size_t>(
          {"max-input-bytes", "unfinished messages of the whole process"},
          [](Options & o) -> auto& { return o.server.limits.max_input_bytes; }),
      count<std::uint32_t>(
          {"max-control-rate", "control frames a second from one peer; 0: unlimited"},
          [](Options & o) -> auto& { return o.server.limits.max_control_frames_per_second; }),
      size<std::size_t>(
          {"read-buffer", "one for each reactor, not for each connection"},
          [](Options & o) -> auto& { return o.server.upgrade.read_buffer_size; }),
  };
}

Table sending_flags() {
  return {
      size<std::size_t>(
          {"send-queue-bytes", "frames waiting for one connection, in bytes"},
          [](Options & o) -> auto& { return o.server.limits.send_queue_bytes; }),
      count<std::uint32_t>(
          {"send-queue-frames", "frames waiting for one connection, in number"},
          [](Options & o) -> auto& { return o.server.limits.send_queue_frames; }),
      choice(
          "POLICY",
          {"slow-policy",
           "what befalls a message for a full send queue: disconnect, drop-newest or "
           "drop-oldest"},
          kSlowPolicies, [](Options & o) -> auto& { return o.server.limits.slow_policy; }),
      count<std::uint32_t>(
          {"mailbox-messages", "publishes waiting for one reactor"},
          [](Options & o) -> auto& { return o.server.limits.mailbox_messages; }),
      duration(
          {"write-timeout", "with bytes queued and none taken by the peer"}, Zero::kRefused,
          [](Options & o) -> auto& { return o.server.limits.write_timeout_ms; }),
      size<std::size_t>(
          {"write-buffer", "SO_SNDBUF of each connection; 0: the kernel's choice"},
          [](Options & o) -> auto& { return o.server.upgrade.write_buffer_size; }),
      size<std::uint32_t>(
          {"notsent-lowat", "TCP_NOTSENT_LOWAT; 0: the kernel's choice"},
          [](Options & o) -> auto& { return o.server.notsent_lowat; }),
  };
}

Table compression_flags() {
  return {
      choice(
          "MODE",
          {"deflate",
           "permessage-deflate: off, no-context-takeover (each message by itself), or on (windows "
           "are kept between messages, up to 300KiB for each connection)"},
          kDeflateModes, [](Options & o) -> auto& { return o.server.deflate.mode; }),
      size<std::size_t>(
          {"deflate-threshold", "smaller messages go uncompressed"},
          [](Options & o) -> auto& { return o.server.deflate.threshold; }),
      count<std::uint32_t>(
          {"deflate-level", "1, fast, to 9, small"},
          [](Options & o) -> auto& { return o.server.deflate.level; }),
      size<std::size_t>(
          {"deflate-memory", "what kept windows may hold in all; beyond it none are kept"},
          [](Options & o) -> auto& { return o.server.deflate.max_context_bytes; }),
  };
}

Table closing_flags() {
  return {
      duration(
          {"close-timeout", "from our Close frame to the peer's"}, Zero::kRefused,
          [](Options & o) -> auto& { return o.server.limits.close_timeout_ms; }),
      duration(
          {"drain-window", "over which a drain spreads its closes; 0: all at once"},
          Zero::kImmediate, [](Options & o) -> auto& { return o.server.drain_window_ms; }),
      duration(
          {"drain-timeout", "after which a drain cuts what is left"}, Zero::kRefused,
          [](Options & o) -> auto& { return o.server.drain_timeout_ms; }),
  };
}

Table logging_flags() {
  return {
      choice(
          "LEVEL", {"log-level", "debug, info, warn, error or off"}, kLogLevels,
          [](Options & o) -> auto& { return o.server.log.level; }),
      choice(
          "FORMAT", {"log-format", "text, json, or auto: text on a terminal, json elsewhere"},
          kLogFormats, [](Options & o) -> auto& { return o.server.log.format; }),
  };
}

Table command_flags() {
  return {
      unset(FlagKind::kConfigFile, "FILE", {"config", "read settings from FILE"}),
      unset(FlagKind::kAction, "",
            {"check-config", "judge the settings, print them as a configuration file, and exit"}),
      print_flag(),
      unset(FlagKind::kAction, "", {"help", "print this and exit"}),
      unset(FlagKind::kAction, "", {"version", "print the version and exit"}),
  };
}

Table make_table() {
  const std::pair<std::string_view, Table (*)()> groups[] = {
      {"Listening", &listening_flags},  {"Opening handshake", &handshake_flags},
      {"Who gets in", &access_flags},   {"Limits for each peer", &rate_flags},
      {"Heartbeat", &heartbeat_flags},  {"Receiving", &receiving_flags},
      {"Sending", &sending_flags},      {"Compression", &compression_flags},
      {"Rooms", &room_flags},           {"Closing", &closing_flags},
      {"Behind a proxy", &proxy_flags}, {"Logging", &logging_flags},
      {"Seeing into it", &admin_flags}, {"This command", &command_flags},
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

std::string default_text(const Flag& flag) {
  if (flag.kind != FlagKind::kSetting) return {};
  std::string text;
  for (const std::string& value : flag.get(DaemonOptions{})) {
    text.append(text.empty() ? "" : ", ").append(value);
  }
  return text.empty() ? "none" : text;
}

}  // namespace wsd::daemon
