// Checks options before the server uses them. Each error names the option by its flag.
#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

#include "base/token_bucket.h"
#include "hub/hub.h"
#include "protocol/deflate.h"
#include "protocol/host.h"
#include "protocol/http_request.h"
#include "protocol/origin.h"
#include "protocol/trusted_proxies.h"
#include "server/reactor_settings.h"
#include "wsd/check.h"
#include "wsd/options.h"

namespace wsd {
namespace {

constexpr std::size_t kKiB = std::size_t{1} << 10;
constexpr std::size_t kMiB = std::size_t{1} << 20;

// Returns "--flag must be RULE, not VALUE".
std::string must(const char* flag, const std::string& rule, const std::string& value) {
  return std::string(flag) + " must be " + rule + ", not " + value;
}

std::string must(const char* flag, const std::string& rule, std::uint64_t value) {
  return must(flag, rule, std::to_string(value));
}

std::string milliseconds(std::uint64_t ms) { return std::to_string(ms) + "ms"; }

std::string bytes(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

std::string check_heartbeat(const HeartbeatOptions& heartbeat) {
  if (heartbeat.ping_interval_ms == 0 || heartbeat.read_timeout_ms == 0) return {};
  const std::uint64_t needed =
      std::uint64_t{heartbeat.ping_interval_ms} + heartbeat.pong_timeout_ms;
  if (heartbeat.read_timeout_ms >= needed) return {};
  return must("--read-timeout",
              "0 (off) or at least " + milliseconds(needed) + ", which is --ping-interval " +
                  milliseconds(heartbeat.ping_interval_ms) + " plus --pong-timeout " +
                  milliseconds(heartbeat.pong_timeout_ms),
              milliseconds(heartbeat.read_timeout_ms)) +
         ": a client needs that time to answer a Ping";
}

std::string check_limits(const LimitOptions& limits) {
  if (limits.max_message_bytes == 0 || limits.max_message_bytes > 1024 * kMiB) {
    return must("--max-message", "from 1 byte to 1GiB", bytes(limits.max_message_bytes));
  }
  if (limits.max_fragments == 0) return must("--max-fragments", "at least 1", 0);
  if (limits.max_input_bytes < limits.max_message_bytes) {
    return must("--max-input-bytes",
                "at least --max-message (" + bytes(limits.max_message_bytes) + ")",
                bytes(limits.max_input_bytes)) +
           ": otherwise no message of that size can be received";
  }
  if (limits.send_queue_bytes < 1024) {
    return must("--send-queue-bytes", "at least 1KiB", bytes(limits.send_queue_bytes));
  }
  if (limits.max_output_bytes < limits.max_message_bytes ||
      limits.max_output_bytes - limits.max_message_bytes < limits.send_queue_bytes) {
    return must("--max-output-bytes",
                "at least --max-message (" + bytes(limits.max_message_bytes) +
                    ") plus --send-queue-bytes (" + bytes(limits.send_queue_bytes) + ")",
                bytes(limits.max_output_bytes)) +
           ": otherwise one connection cannot fill its queue";
  }
  if (limits.send_queue_frames < 2) {
    return must("--send-queue-frames", "at least 2", limits.send_queue_frames);
  }
  if (limits.max_pending_publishes < 2) {
    return must("--max-pending-publishes", "at least 2", limits.max_pending_publishes);
  }
  if (limits.max_pending_bytes < 64 * kKiB) {
    return must("--max-pending-bytes", "at least 64KiB", bytes(limits.max_pending_bytes));
  }
  if (limits.max_head_bytes < 256 || limits.max_head_bytes > kMiB) {
    return must("--max-head", "from 256 bytes to 1MiB", bytes(limits.max_head_bytes));
  }
  const std::string to_head = "from 16 bytes to --max-head (" + bytes(limits.max_head_bytes) + ")";
  if (limits.max_request_line_bytes < 16 || limits.max_request_line_bytes > limits.max_head_bytes) {
    return must("--max-request-line", to_head, bytes(limits.max_request_line_bytes));
  }
  if (limits.max_field_bytes < 16 || limits.max_field_bytes > limits.max_head_bytes) {
    return must("--max-field", to_head, bytes(limits.max_field_bytes));
  }
  if (limits.max_fields < 8) {
    return must("--max-fields", "at least 8", limits.max_fields) +
           ": an opening handshake has about that many";
  }
  constexpr std::uint32_t kMostControlFrames = 1'000'000;
  if (limits.max_control_frames_per_second > kMostControlFrames) {
    return must("--max-control-frames-per-second", "at most 1000000, or 0 for no limit",
                limits.max_control_frames_per_second);
  }
  if (limits.slow_policy == SlowPolicy::kLatestOnly) {
    return "--slow-policy does not accept latest-only, which applies to rooms: write "
           "--room-rule '* slow-policy=latest-only'";
  }
  if (limits.message_timeout_ms == 0) return must("--message-timeout", "more than 0", 0);
  if (limits.write_timeout_ms == 0) return must("--write-timeout", "more than 0", 0);
  if (limits.close_timeout_ms == 0) return must("--close-timeout", "more than 0", 0);
  return {};
}

std::string check_upgrade(const UpgradeOptions& upgrade) {
  for (const std::string& origin : upgrade.allowed_origins) {
    if (!protocol::is_origin_pattern(origin)) {
      return "--allowed-origin '" + origin +
             "' is not an origin: write scheme://host, scheme://host:port, scheme://*.domain, "
             "null, "
             "file:// or *";
    }
  }
  for (const std::string& subprotocol : upgrade.subprotocols) {
    if (!protocol::is_token(subprotocol)) {
      return "--subprotocol '" + subprotocol +
             "' is not a token (RFC 9110, section 5.6.2): write letters, digits, - and .";
    }
  }
  if (upgrade.read_buffer_size < 1024 || upgrade.read_buffer_size > 64 * kMiB) {
    return must("--read-buffer", "from 1KiB to 64MiB", bytes(upgrade.read_buffer_size));
  }
  if (upgrade.socket_send_buffer > 1024 * kMiB) {
    return must("--socket-send-buffer", "at most 1GiB", bytes(upgrade.socket_send_buffer));
  }
  if (upgrade.handshake_timeout_ms == 0) return must("--handshake-timeout", "more than 0", 0);
  return {};
}

std::string check_http(const HttpOptions& http) {
  if (http.response_timeout_ms == 0) return must("--response-timeout", "more than 0", 0);
  if (http.keep_alive_timeout_ms < 1'000) {
    return must("--keep-alive-timeout", "at least 1s", milliseconds(http.keep_alive_timeout_ms)) +
           ": responses state it in whole seconds";
  }
  for (const std::string& host : http.allowed_hosts) {
    if (!protocol::is_host_pattern(host)) {
      return "--allowed-host '" + host +
             "' is not a host: write a name or an address without a port, *.domain or *";
    }
  }
  for (const std::string& field : http.cross_origin_fields) {
    if (!protocol::is_token(field)) {
      return "HttpOptions::cross_origin_fields has '" + field +
             "', which is not a token (RFC 9110, section 5.6.2): write the name of a header field";
    }
  }
  return {};
}

std::string check_rates(const ClientLimits& rates) {
  constexpr std::uint32_t kMostPerSecond = 1'000'000;
  if (rates.max_handshakes_per_second > kMostPerSecond) {
    return must("--max-handshakes-per-second", "at most 1000000, or 0 for no limit",
                rates.max_handshakes_per_second);
  }
  if (rates.max_messages_per_second > kMostPerSecond) {
    return must("--max-messages-per-second", "at most 1000000, or 0 for no limit",
                rates.max_messages_per_second);
  }
  const std::size_t per_second = rates.max_bytes_per_second;
  if (per_second != 0 && (per_second < 1024 || per_second > TokenBucket::kMostPerSecond)) {
    return must("--max-bytes-per-second", "at least 1KiB and at most 1024TiB, or 0 for no limit",
                bytes(per_second));
  }
  return {};
}

std::string check_proxy(const ProxyOptions& proxy) {
  constexpr std::size_t kMostTrusted = 1'024;  // each request is compared with all of them
  if (proxy.trusted.size() > kMostTrusted) {
    return must("--trusted-proxy", "given at most 1024 times", proxy.trusted.size()) +
           ": combine networks";
  }
  protocol::TrustedProxies trusted;
  for (const std::string& each : proxy.trusted) {
    if (std::string error = trusted.add(each); !error.empty()) return "--trusted-proxy " + error;
  }
  if (proxy.proxy_protocol && trusted.empty()) {
    return "--proxy-protocol on needs --trusted-proxy, or any client could claim any address: name "
           "the networks of your proxies, or unix for proxies on a Unix socket";
  }
  return {};
}

std::string check_history(const HistoryOptions& history, std::uint32_t reactors) {
  if (history.messages > 1'000'000) {
    return must("--history-messages", "at most 1000000", history.messages);
  }
  if (history.messages == 0) return {};
  if (history.bytes < 1024) {
    return must("--history-bytes", "at least 1KiB", bytes(history.bytes)) +
           ": otherwise a room cannot keep even small messages";
  }
  if (history.age_ms == 0) return must("--history-age", "more than 0", 0);
  if (history.total_bytes / reactors >= history.bytes) return {};
  std::string rule = "at least --history-bytes (" + bytes(history.bytes) + ")";
  if (reactors > 1) rule += " for each of the " + std::to_string(reactors) + " reactors";
  return must("--history-memory", rule, bytes(history.total_bytes)) +
         ", because a room can use only the equal share of its reactor: raise --history-memory, or "
         "lower --history-bytes or --reactors";
}

bool keeps_history(const ServerOptions& options) {
  return options.history.messages != 0 ||
         std::any_of(options.rooms.begin(), options.rooms.end(),
                     [](const RoomRule& rule) { return rule.history_messages.value_or(0) != 0; });
}

std::string check_history_log(const ServerOptions& options) {
  const HistoryLogOptions& log = options.history.log;
  if (log.directory.empty()) return {};
  if (log.directory.find('\0') != std::string::npos) {
    return "--history-dir contains a NUL byte, which no file name has: name a directory";
  }
  constexpr std::uint32_t kLongest = 60'000;
  if (log.sync == HistorySync::kInterval &&
      (log.sync_interval_ms == 0 || log.sync_interval_ms > kLongest)) {
    return must("--history-sync", "each, off or a duration from 1ms to 1m",
                milliseconds(log.sync_interval_ms));
  }
  if (keeps_history(options)) return {};
  return "--history-dir '" + log.directory +
         "' would stay empty, because no room keeps a history: set --history-messages, or "
         "history-messages in a --room-rule";
}

std::string check_engine(const ServerOptions& options) {
  const EngineOptions& engine = options.engine;
  if (engine.url.empty()) return {};
  if (std::string error = check_engine_url(engine.url); !error.empty()) {
    return "--engine: " + error;
  }
  if (std::string error = check_engine_prefix(engine.prefix); !error.empty()) {
    return "--engine-prefix: " + error;
  }
  constexpr std::uint32_t kShortest = 100;
  constexpr std::uint32_t kLongest = 60'000;
  if (engine.timeout_ms < kShortest || engine.timeout_ms > kLongest) {
    return must("--engine-timeout", "from 100ms to 1m", milliseconds(engine.timeout_ms));
  }
  if (engine.backlog == 0 || engine.backlog > 1'000'000) {
    return must("--engine-backlog", "from 1 to 1000000", engine.backlog) +
           ": a node that was cut off needs it to catch up";
  }
  if (options.history.log.directory.empty()) return {};
  return "--engine and --history-dir exclude each other, because the engine stores the messages: "
         "remove --history-dir";
}

std::string check_socket_mode(const std::optional<std::uint32_t>& mode) {
  constexpr std::uint32_t kPermissions = 0777;
  constexpr std::uint32_t kWrite = 0222;
  if (!mode || (*mode <= kPermissions && (*mode & kWrite) != 0)) return {};
  std::ostringstream octal;
  octal << std::oct << '0' << *mode;
  return must("--socket-mode", "at most 0777 and include a write permission", octal.str()) +
         ": a client needs write permission to connect";
}

std::string check_rooms(const ServerOptions& options, std::uint32_t reactors) {
  for (const RoomRule& rule : options.rooms) {
    if (rule.pattern.empty()) {
      return "--room-rule has an empty pattern: write a room name, in which * matches any "
             "characters";
    }
    const HistoryOptions history = server::history_options(options, rule);
    if (std::string error = check_history(history, reactors); !error.empty()) {
      return "--room-rule '" + rule.pattern + "': " + error;
    }
  }
  return {};
}

}  // namespace

std::string check_options(const ServerOptions& options) {
  if (options.reactors > hub::Hub::kMaxShards) {
    return must("--reactors", "at most " + std::to_string(hub::Hub::kMaxShards), options.reactors);
  }
  if (std::string error = check_upgrade(options.upgrade); !error.empty()) return error;
  if (std::string error = check_heartbeat(options.heartbeat); !error.empty()) return error;
  if (std::string error = check_limits(options.limits); !error.empty()) return error;
  if (std::string error = check_rates(options.rates); !error.empty()) return error;
  const std::uint32_t reactors = server::reactor_count(options).count;
  if (std::string error = check_history(options.history, reactors); !error.empty()) return error;
  if (std::string error = check_rooms(options, reactors); !error.empty()) return error;
  if (std::string error = check_history_log(options); !error.empty()) return error;
  if (std::string error = check_engine(options); !error.empty()) return error;
  if (std::string error = check_proxy(options.proxy); !error.empty()) return error;
  if (std::string error = check_http(options.http); !error.empty()) return error;
  if (options.deflate.level < 1 || options.deflate.level > 9) {
    return must("--deflate-level", "from 1 to 9", options.deflate.level);
  }
  if (options.deflate.mode == DeflateMode::kContextTakeover && !protocol::have_deflate()) {
    return "--deflate on needs zlib, and this build has none (see --version): rebuild with zlib, "
           "or use --deflate off";
  }
  for (const std::string& text : options.deflate.excluded_user_agents) {
    if (text.empty()) {
      return "--no-deflate-for '' would match every client: name a part of a User-Agent, or use "
             "--deflate off";
    }
  }
  if (std::string error = check_socket_mode(options.socket_mode); !error.empty()) return error;
  if (options.listen_backlog < 1) {
    return must("--backlog", "at least 1", std::to_string(options.listen_backlog));
  }
  if (options.drain_timeout_ms == 0) return must("--drain-timeout", "more than 0", 0);
  if (options.drain_window_ms > options.drain_timeout_ms) {
    return must("--drain-window",
                "at most --drain-timeout (" + milliseconds(options.drain_timeout_ms) + ")",
                milliseconds(options.drain_window_ms)) +
           ": otherwise the last connections would be force-closed without a Close frame";
  }
  return {};
}

}  // namespace wsd
