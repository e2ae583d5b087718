// Checks options before the server uses them. Each error names the option by its field of
// ServerOptions, unless the application has a name of its own for it.
#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "base/token_bucket.h"
#include "hub/hub.h"
#include "protocol/deflate.h"
#include "protocol/host.h"
#include "protocol/http_request.h"
#include "protocol/origin.h"
#include "protocol/trusted_proxies.h"
#include "server/option_name.h"
#include "server/reactor_settings.h"
#include "wsd/check.h"
#include "wsd/options.h"

namespace wsd {
namespace {

constexpr std::size_t kKiB = std::size_t{1} << 10;
constexpr std::size_t kMiB = std::size_t{1} << 20;

// Names an option by its field, or by the application's name for it.
class Names {
 public:
  explicit Names(const ServerOptions& options) : options_(options) {}
  [[nodiscard]] std::string operator()(std::string_view field) const {
    return server::option_name(options_, field);
  }

 private:
  const ServerOptions& options_;
};

// Returns "OPTION must be RULE, not VALUE".
std::string must(const std::string& option, const std::string& rule, const std::string& value) {
  return option + " must be " + rule + ", not " + value;
}

std::string must(const std::string& option, const std::string& rule, std::uint64_t value) {
  return must(option, rule, std::to_string(value));
}

std::string milliseconds(std::uint64_t ms) { return std::to_string(ms) + "ms"; }

std::string bytes(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

std::string check_heartbeat(const HeartbeatOptions& heartbeat, const Names& name) {
  if (heartbeat.ping_interval_ms == 0 || heartbeat.read_timeout_ms == 0) return {};
  const std::uint64_t needed =
      std::uint64_t{heartbeat.ping_interval_ms} + heartbeat.pong_timeout_ms;
  if (heartbeat.read_timeout_ms >= needed) return {};
  return must(name("heartbeat.read_timeout_ms"),
              "0 (off) or at least " + milliseconds(needed) + ", which is " +
                  name("heartbeat.ping_interval_ms") + " " +
                  milliseconds(heartbeat.ping_interval_ms) + " plus " +
                  name("heartbeat.pong_timeout_ms") + " " + milliseconds(heartbeat.pong_timeout_ms),
              milliseconds(heartbeat.read_timeout_ms)) +
         ": a client needs that time to answer a Ping";
}

std::string check_limits(const LimitOptions& limits, const Names& name) {
  if (limits.max_message_bytes == 0 || limits.max_message_bytes > 1024 * kMiB) {
    return must(name("limits.max_message_bytes"), "from 1 byte to 1GiB",
                bytes(limits.max_message_bytes));
  }
  if (limits.max_fragments == 0) return must(name("limits.max_fragments"), "at least 1", 0);
  if (limits.max_input_bytes < limits.max_message_bytes) {
    return must(name("limits.max_input_bytes"),
                "at least " + name("limits.max_message_bytes") + " (" +
                    bytes(limits.max_message_bytes) + ")",
                bytes(limits.max_input_bytes)) +
           ": otherwise no message of that size can be received";
  }
  if (limits.send_queue_bytes < 1024) {
    return must(name("limits.send_queue_bytes"), "at least 1KiB", bytes(limits.send_queue_bytes));
  }
  if (limits.max_output_bytes < limits.max_message_bytes ||
      limits.max_output_bytes - limits.max_message_bytes < limits.send_queue_bytes) {
    return must(name("limits.max_output_bytes"),
                "at least " + name("limits.max_message_bytes") + " (" +
                    bytes(limits.max_message_bytes) + ") plus " + name("limits.send_queue_bytes") +
                    " (" + bytes(limits.send_queue_bytes) + ")",
                bytes(limits.max_output_bytes)) +
           ": otherwise one connection cannot fill its queue";
  }
  if (limits.send_queue_frames < 2) {
    return must(name("limits.send_queue_frames"), "at least 2", limits.send_queue_frames);
  }
  if (limits.max_pending_publishes < 2) {
    return must(name("limits.max_pending_publishes"), "at least 2", limits.max_pending_publishes);
  }
  if (limits.max_pending_bytes < 64 * kKiB) {
    return must(name("limits.max_pending_bytes"), "at least 64KiB",
                bytes(limits.max_pending_bytes));
  }
  if (limits.max_head_bytes < 256 || limits.max_head_bytes > kMiB) {
    return must(name("limits.max_head_bytes"), "from 256 bytes to 1MiB",
                bytes(limits.max_head_bytes));
  }
  const std::string to_head = "from 16 bytes to " + name("limits.max_head_bytes") + " (" +
                              bytes(limits.max_head_bytes) + ")";
  if (limits.max_request_line_bytes < 16 || limits.max_request_line_bytes > limits.max_head_bytes) {
    return must(name("limits.max_request_line_bytes"), to_head,
                bytes(limits.max_request_line_bytes));
  }
  if (limits.max_field_bytes < 16 || limits.max_field_bytes > limits.max_head_bytes) {
    return must(name("limits.max_field_bytes"), to_head, bytes(limits.max_field_bytes));
  }
  if (limits.max_fields < 8) {
    return must(name("limits.max_fields"), "at least 8", limits.max_fields) +
           ": an opening handshake has about that many";
  }
  constexpr std::uint32_t kMostControlFrames = 1'000'000;
  if (limits.max_control_frames_per_second > kMostControlFrames) {
    return must(name("limits.max_control_frames_per_second"), "at most 1000000, or 0 for no limit",
                limits.max_control_frames_per_second);
  }
  if (limits.slow_policy == SlowPolicy::kLatestOnly) {
    return name("limits.slow_policy") +
           " does not accept latest-only, which applies to rooms: set "
           "it in " +
           name("rooms") + " for the pattern *";
  }
  if (limits.message_timeout_ms == 0)
    return must(name("limits.message_timeout_ms"), "more than 0", 0);
  if (limits.write_timeout_ms == 0) return must(name("limits.write_timeout_ms"), "more than 0", 0);
  if (limits.close_timeout_ms == 0) return must(name("limits.close_timeout_ms"), "more than 0", 0);
  return {};
}

std::string check_upgrade(const UpgradeOptions& upgrade, const Names& name) {
  for (const std::string& origin : upgrade.allowed_origins) {
    if (!protocol::is_origin_pattern(origin)) {
      return name("upgrade.allowed_origins") + " '" + origin +
             "' is not an origin: write scheme://host, scheme://host:port, scheme://*.domain, "
             "null, file:// or *";
    }
  }
  for (const std::string& subprotocol : upgrade.subprotocols) {
    if (!protocol::is_token(subprotocol)) {
      return name("upgrade.subprotocols") + " '" + subprotocol +
             "' is not a token (RFC 9110, section 5.6.2): write letters, digits, - and .";
    }
  }
  if (upgrade.read_buffer_size < 1024 || upgrade.read_buffer_size > 64 * kMiB) {
    return must(name("upgrade.read_buffer_size"), "from 1KiB to 64MiB",
                bytes(upgrade.read_buffer_size));
  }
  if (upgrade.socket_send_buffer > 1024 * kMiB) {
    return must(name("upgrade.socket_send_buffer"), "at most 1GiB",
                bytes(upgrade.socket_send_buffer));
  }
  if (upgrade.handshake_timeout_ms == 0)
    return must(name("upgrade.handshake_timeout_ms"), "more than 0", 0);
  return {};
}

std::string check_http(const HttpOptions& http, const Names& name) {
  if (http.response_timeout_ms == 0)
    return must(name("http.response_timeout_ms"), "more than 0", 0);
  if (http.keep_alive_timeout_ms < 1'000) {
    return must(name("http.keep_alive_timeout_ms"), "at least 1s",
                milliseconds(http.keep_alive_timeout_ms)) +
           ": responses state it in whole seconds";
  }
  for (const std::string& host : http.allowed_hosts) {
    if (!protocol::is_host_pattern(host)) {
      return name("http.allowed_hosts") + " '" + host +
             "' is not a host: write a name or an address without a port, *.domain or *";
    }
  }
  for (const std::string& field : http.cross_origin_fields) {
    if (!protocol::is_token(field)) {
      return name("http.cross_origin_fields") + " '" + field +
             "' is not a token (RFC 9110, section 5.6.2): write the name of a header field";
    }
  }
  return {};
}

std::string check_rates(const ClientLimits& rates, const Names& name) {
  constexpr std::uint32_t kMostPerSecond = 1'000'000;
  if (rates.max_handshakes_per_second > kMostPerSecond) {
    return must(name("rates.max_handshakes_per_second"), "at most 1000000, or 0 for no limit",
                rates.max_handshakes_per_second);
  }
  if (rates.max_messages_per_second > kMostPerSecond) {
    return must(name("rates.max_messages_per_second"), "at most 1000000, or 0 for no limit",
                rates.max_messages_per_second);
  }
  const std::size_t per_second = rates.max_bytes_per_second;
  if (per_second != 0 && (per_second < 1024 || per_second > TokenBucket::kMostPerSecond)) {
    return must(name("rates.max_bytes_per_second"),
                "at least 1KiB and at most 1024TiB, or 0 for no limit", bytes(per_second));
  }
  return {};
}

std::string check_proxy(const ProxyOptions& proxy, const Names& name) {
  constexpr std::size_t kMostTrusted = 1'024;  // each request is compared with all of them
  if (proxy.trusted.size() > kMostTrusted) {
    return must(name("proxy.trusted"), "given at most 1024 times", proxy.trusted.size()) +
           ": combine networks";
  }
  protocol::TrustedProxies trusted;
  for (const std::string& each : proxy.trusted) {
    if (std::string error = trusted.add(each); !error.empty()) {
      return name("proxy.trusted") + " " + error;
    }
  }
  if (proxy.proxy_protocol && trusted.empty()) {
    return name("proxy.proxy_protocol") + " needs " + name("proxy.trusted") +
           ", or any client could claim any address: name the networks of your proxies, or unix "
           "for proxies on a Unix socket";
  }
  return {};
}

std::string check_history(const HistoryOptions& history, std::uint32_t reactors,
                          const Names& name) {
  if (history.messages > 1'000'000) {
    return must(name("history.messages"), "at most 1000000", history.messages);
  }
  if (history.messages == 0) return {};
  if (history.bytes < 1024) {
    return must(name("history.bytes"), "at least 1KiB", bytes(history.bytes)) +
           ": otherwise a room cannot keep even small messages";
  }
  if (history.age_ms == 0) return must(name("history.age_ms"), "more than 0", 0);
  if (history.total_bytes / reactors >= history.bytes) return {};
  std::string rule = "at least " + name("history.bytes") + " (" + bytes(history.bytes) + ")";
  if (reactors > 1) rule += " for each of the " + std::to_string(reactors) + " reactors";
  return must(name("history.total_bytes"), rule, bytes(history.total_bytes)) +
         ", because a room can use only the equal share of its reactor: raise " +
         name("history.total_bytes") + ", or lower " + name("history.bytes") + " or " +
         name("reactors");
}

bool keeps_history(const ServerOptions& options) {
  return options.history.messages != 0 ||
         std::any_of(options.rooms.begin(), options.rooms.end(),
                     [](const RoomRule& rule) { return rule.history_messages.value_or(0) != 0; });
}

std::string check_history_log(const ServerOptions& options, const Names& name) {
  const HistoryLogOptions& log = options.history.log;
  if (log.directory.empty()) return {};
  if (log.directory.find('\0') != std::string::npos) {
    return name("history.log.directory") +
           " contains a NUL byte, which no file name has: name a directory";
  }
  constexpr std::uint32_t kLongest = 60'000;
  if (log.sync == HistorySync::kInterval &&
      (log.sync_interval_ms == 0 || log.sync_interval_ms > kLongest)) {
    return must(name("history.log.sync_interval_ms"), "from 1ms to 1m",
                milliseconds(log.sync_interval_ms));
  }
  if (keeps_history(options)) return {};
  return name("history.log.directory") + " '" + log.directory +
         "' would stay empty, because no room keeps a history: set " + name("history.messages") +
         ", or give rooms a history with " + name("rooms");
}

std::string check_engine(const ServerOptions& options, const Names& name) {
  const EngineOptions& engine = options.engine;
  if (engine.url.empty()) return {};
  if (std::string error = check_engine_url(engine.url, options.option_name); !error.empty()) {
    return name("engine.url") + ": " + error;
  }
  if (std::string error = check_engine_prefix(engine.prefix); !error.empty()) {
    return name("engine.prefix") + ": " + error;
  }
  constexpr std::uint32_t kShortest = 100;
  constexpr std::uint32_t kLongest = 60'000;
  if (engine.timeout_ms < kShortest || engine.timeout_ms > kLongest) {
    return must(name("engine.timeout_ms"), "from 100ms to 1m", milliseconds(engine.timeout_ms));
  }
  if (engine.backlog == 0 || engine.backlog > 1'000'000) {
    return must(name("engine.backlog"), "from 1 to 1000000", engine.backlog) +
           ": a node that was cut off needs it to catch up";
  }
  if (options.history.log.directory.empty()) return {};
  return name("engine.url") + " and " + name("history.log.directory") +
         " exclude each other, because the engine stores the messages: remove " +
         name("history.log.directory");
}

std::string check_socket_mode(const std::optional<std::uint32_t>& mode, const Names& name) {
  constexpr std::uint32_t kPermissions = 0777;
  constexpr std::uint32_t kWrite = 0222;
  if (!mode || (*mode <= kPermissions && (*mode & kWrite) != 0)) return {};
  std::ostringstream octal;
  octal << std::oct << '0' << *mode;
  return must(name("socket_mode"), "at most 0777 and include a write permission", octal.str()) +
         ": a client needs write permission to connect";
}

std::string check_window(std::uint32_t window_ms, const Names& name) {
  constexpr std::uint32_t kLongest = 1'000;
  if (window_ms <= kLongest) return {};
  return must(name("delivery_window_ms"), "at most " + milliseconds(kLongest),
              milliseconds(window_ms));
}

std::string check_rooms(const ServerOptions& options, std::uint32_t reactors, const Names& name) {
  if (std::string error = check_window(options.delivery_window_ms, name); !error.empty()) {
    return error;
  }
  for (const RoomRule& rule : options.rooms) {
    if (rule.pattern.empty()) {
      return name("rooms") +
             " has an empty pattern: write a room name, in which * matches any "
             "characters";
    }
    const HistoryOptions history = server::history_options(options, rule);
    if (std::string error = check_history(history, reactors, name); !error.empty()) {
      return name("rooms") + " '" + rule.pattern + "': " + error;
    }
    if (std::string error = check_window(rule.delivery_window_ms.value_or(0), name);
        !error.empty()) {
      return name("rooms") + " '" + rule.pattern + "': " + error;
    }
  }
  return {};
}

}  // namespace

std::string check_options(const ServerOptions& options) {
  const Names name(options);
  if (options.reactors > hub::Hub::kMaxShards) {
    return must(name("reactors"), "at most " + std::to_string(hub::Hub::kMaxShards),
                options.reactors);
  }
  if (std::string error = check_upgrade(options.upgrade, name); !error.empty()) return error;
  if (std::string error = check_heartbeat(options.heartbeat, name); !error.empty()) return error;
  if (std::string error = check_limits(options.limits, name); !error.empty()) return error;
  if (std::string error = check_rates(options.rates, name); !error.empty()) return error;
  const std::uint32_t reactors = server::reactor_count(options).count;
  if (std::string error = check_history(options.history, reactors, name); !error.empty())
    return error;
  if (std::string error = check_rooms(options, reactors, name); !error.empty()) return error;
  if (std::string error = check_history_log(options, name); !error.empty()) return error;
  if (std::string error = check_engine(options, name); !error.empty()) return error;
  if (std::string error = check_proxy(options.proxy, name); !error.empty()) return error;
  if (std::string error = check_http(options.http, name); !error.empty()) return error;
  if (options.deflate.level < 1 || options.deflate.level > 9) {
    return must(name("deflate.level"), "from 1 to 9", options.deflate.level);
  }
  if (options.deflate.mode == DeflateMode::kContextTakeover && !protocol::have_deflate()) {
    return name("deflate.mode") +
           " asks for context takeover, which needs zlib, and this build has "
           "none: rebuild with zlib, or turn compression off";
  }
  for (const std::string& text : options.deflate.excluded_user_agents) {
    if (text.empty()) {
      return name("deflate.excluded_user_agents") +
             " '' would match every client: name a part of "
             "a User-Agent, or turn compression off";
    }
  }
  if (std::string error = check_socket_mode(options.socket_mode, name); !error.empty())
    return error;
  if (options.listen_backlog < 1) {
    return must(name("listen_backlog"), "at least 1", std::to_string(options.listen_backlog));
  }
  if (options.drain_timeout_ms == 0) return must(name("drain_timeout_ms"), "more than 0", 0);
  if (options.drain_window_ms > options.drain_timeout_ms) {
    return must(name("drain_window_ms"),
                "at most " + name("drain_timeout_ms") + " (" +
                    milliseconds(options.drain_timeout_ms) + ")",
                milliseconds(options.drain_window_ms)) +
           ": otherwise the last connections would be force-closed without a Close frame";
  }
  return {};
}

}  // namespace wsd
