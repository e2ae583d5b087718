#include "daemon/config/option_flags.h"

#include <algorithm>
#include <array>
#include <utility>

namespace wsd::daemon {
namespace {

// The options that the library names in a sentence or a log entry, sorted.
constexpr std::array<std::pair<std::string_view, std::string_view>, 58> kFlags{{
    {"deflate.excluded_user_agents", "--no-deflate-for"},
    {"deflate.level", "--deflate-level"},
    {"deflate.mode", "--deflate"},
    {"delivery_window_ms", "--delivery-window"},
    {"drain_timeout_ms", "--drain-timeout"},
    {"drain_window_ms", "--drain-window"},
    {"engine.backlog", "--engine-backlog"},
    {"engine.password", "--engine-password-file"},
    {"engine.prefix", "--engine-prefix"},
    {"engine.timeout_ms", "--engine-timeout"},
    {"engine.url", "--engine"},
    {"engine.user", "--engine-user"},
    {"heartbeat.ping_interval_ms", "--ping-interval"},
    {"heartbeat.pong_timeout_ms", "--pong-timeout"},
    {"heartbeat.read_timeout_ms", "--read-timeout"},
    {"history.age_ms", "--history-age"},
    {"history.bytes", "--history-bytes"},
    {"history.log.any_file_system", "--history-dir-any"},
    {"history.log.directory", "--history-dir"},
    {"history.log.sync_interval_ms", "--history-sync"},
    {"history.messages", "--history-messages"},
    {"history.total_bytes", "--history-memory"},
    {"http.allowed_hosts", "--allowed-host"},
    {"http.keep_alive_timeout_ms", "--keep-alive-timeout"},
    {"http.response_timeout_ms", "--response-timeout"},
    {"limits.close_timeout_ms", "--close-timeout"},
    {"limits.max_connections", "--max-connections"},
    {"limits.max_control_frames_per_second", "--max-control-frames-per-second"},
    {"limits.max_field_bytes", "--max-field"},
    {"limits.max_fields", "--max-fields"},
    {"limits.max_fragments", "--max-fragments"},
    {"limits.max_head_bytes", "--max-head"},
    {"limits.max_input_bytes", "--max-input-bytes"},
    {"limits.max_message_bytes", "--max-message"},
    {"limits.max_output_bytes", "--max-output-bytes"},
    {"limits.max_pending_bytes", "--max-pending-bytes"},
    {"limits.max_pending_publishes", "--max-pending-publishes"},
    {"limits.max_request_line_bytes", "--max-request-line"},
    {"limits.message_timeout_ms", "--message-timeout"},
    {"limits.send_queue_bytes", "--send-queue-bytes"},
    {"limits.send_queue_frames", "--send-queue-frames"},
    {"limits.slow_policy", "--slow-policy"},
    {"limits.write_timeout_ms", "--write-timeout"},
    {"listen_backlog", "--backlog"},
    {"proxy.proxy_protocol", "--proxy-protocol"},
    {"proxy.trusted", "--trusted-proxy"},
    {"rates.max_bytes_per_second", "--max-bytes-per-second"},
    {"rates.max_handshakes_per_second", "--max-handshakes-per-second"},
    {"rates.max_messages_per_second", "--max-messages-per-second"},
    {"rates.max_rooms", "--max-rooms"},
    {"reactors", "--reactors"},
    {"rooms", "--room-rule"},
    {"socket_mode", "--socket-mode"},
    {"upgrade.allowed_origins", "--allowed-origin"},
    {"upgrade.handshake_timeout_ms", "--handshake-timeout"},
    {"upgrade.read_buffer_size", "--read-buffer"},
    {"upgrade.socket_send_buffer", "--socket-send-buffer"},
    {"upgrade.subprotocols", "--subprotocol"},
}};

}  // namespace

std::string flag_of_option(std::string_view field) {
  const auto* const found = std::lower_bound(
      kFlags.begin(), kFlags.end(), field,
      [](const auto& each, std::string_view wanted) { return each.first < wanted; });
  const bool known = found != kFlags.end() && found->first == field;
  return std::string(known ? found->second : field);
}

}  // namespace wsd::daemon
