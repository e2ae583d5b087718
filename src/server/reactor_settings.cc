#include "server/reactor_settings.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "base/assert.h"
#include "hub/hub.h"
#include "server/option_name.h"

namespace wsd::server {
namespace {

net::ConnectionSettings connection_settings(const ServerOptions& options) {
  const LimitOptions& limits = options.limits;
  net::ConnectionSettings settings;
  settings.session.head = {limits.max_request_line_bytes, limits.max_head_bytes,
                           limits.max_field_bytes, limits.max_fields};
  settings.session.message = {limits.max_message_bytes, limits.max_fragments,
                              limits.max_empty_fragments};
  settings.send_queue = {limits.send_queue_bytes, limits.send_queue_frames, limits.slow_policy};
  settings.heartbeat = {ticks_for_ms(options.heartbeat.ping_interval_ms),
                        ticks_for_ms(options.heartbeat.pong_timeout_ms),
                        ticks_for_ms(options.heartbeat.read_timeout_ms)};
  settings.session.proxy_header = options.proxy.proxy_protocol;
  settings.receive_rates = {options.rates.max_messages_per_second,
                            options.rates.max_bytes_per_second};
  return settings;
}

}  // namespace

net::ReactorSettings reactor_settings(const ServerOptions& options,
                                      const std::vector<RouteOptions>& routes) {
  const LimitOptions& limits = options.limits;
  net::ReactorSettings settings;
  static_cast<net::ConnectionSettings&>(settings) = connection_settings(options);
  if (std::any_of(routes.begin(), routes.end(), &has_settings)) {
    for (const RouteOptions& each : routes) {
      settings.routes.push_back(connection_settings(route_options(options, each)));
    }
  }
  settings.handshake_timeout = ticks_for_ms(options.upgrade.handshake_timeout_ms);
  settings.response_timeout = ticks_for_ms(options.http.response_timeout_ms);
  // A request that the client sends at the last moment needs some time to arrive.
  constexpr std::uint32_t kOnItsWayMs = 1'000;
  settings.keep_alive_timeout =
      ticks_for_ms(std::uint64_t{options.http.keep_alive_timeout_ms} + kOnItsWayMs);
  settings.message_timeout = ticks_for_ms(limits.message_timeout_ms);
  settings.write_timeout = ticks_for_ms(limits.write_timeout_ms);
  settings.close_timeout = ticks_for_ms(limits.close_timeout_ms);
  settings.max_control_frames_per_second = limits.max_control_frames_per_second;
  settings.max_input_bytes = limits.max_input_bytes;
  settings.max_output_bytes = limits.max_output_bytes;
  settings.max_connections = limits.max_connections;
  settings.replace_oldest = limits.replace_oldest;
  settings.notice_suspensions =
      settings.any_receive_rate() || options.rates.max_handshakes_per_second != 0;
  settings.read_buffer_size = options.upgrade.read_buffer_size;
  settings.drain_delay = ticks_for_ms(options.drain_delay_ms);
  settings.drain_window = ticks_for_ms(options.drain_window_ms);
  settings.drain_timeout = ticks_for_ms(options.drain_timeout_ms);
  settings.deflate_level = static_cast<int>(options.deflate.level);
  settings.deflate_threshold = options.deflate.threshold;
  for (const std::string& each : options.proxy.trusted) {
    const std::string error = settings.trusted_proxies.add(each);
    WSD_ASSERT(error.empty());
  }
  return settings;
}

HistoryOptions history_options(const ServerOptions& options, const RoomRule& rule) {
  HistoryOptions history = options.history;
  history.messages = rule.history_messages.value_or(history.messages);
  history.bytes = rule.history_bytes.value_or(history.bytes);
  history.age_ms = rule.history_age_ms.value_or(history.age_ms);
  return history;
}

hub::HistoryLimits history_limits(const ServerOptions& options, std::uint32_t shards) {
  const HistoryOptions& history = options.history;
  return {history.messages, history.bytes, ticks_for_ms(history.age_ms),
          history.total_bytes / shards};
}

std::vector<hub::RoomConfigRule> room_config_rules(const ServerOptions& options,
                                                   std::uint32_t shards) {
  std::vector<hub::RoomConfigRule> terms;
  for (const RoomRule& rule : options.rooms) {
    ServerOptions there = options;
    there.history = history_options(options, rule);
    const std::uint32_t window_ms = rule.delivery_window_ms.value_or(options.delivery_window_ms);
    terms.push_back({rule.pattern,
                     {rule.slow_policy, history_limits(there, shards), window_ns(window_ms),
                      rule.presence.value_or(options.presence.enabled)}});
  }
  return terms;
}

std::uint64_t window_ns(std::uint32_t window_ms) noexcept {
  constexpr std::uint64_t kNsPerMs = 1'000'000;
  return window_ms * kNsPerMs;
}

bool drops_queued(const ServerOptions& options, SlowPolicy policy) noexcept {
  return policy == SlowPolicy::kDropOldest ||
         std::any_of(options.rooms.begin(), options.rooms.end(), [](const RoomRule& rule) {
           return rule.slow_policy == SlowPolicy::kDropOldest ||
                  rule.slow_policy == SlowPolicy::kLatestOnly;
         });
}

ReactorCount reactor_count(const ServerOptions& options) {
  return reactor_count(options, options.reactors == 0 ? usable_cpus() : UsableCpus{});
}

ReactorCount reactor_count(const ServerOptions& options, const UsableCpus& cpus) {
  if (options.reactors != 0)
    return {options.reactors, "set by " + option_name(options, "reactors")};
  const std::uint32_t usable = cpus.count();
  if (usable > hub::Hub::kMaxShards) return {hub::Hub::kMaxShards, "the largest number"};
  std::string allowed = "this process may run on " + std::to_string(cpus.allowed) +
                        (cpus.allowed == 1 ? " CPU" : " CPUs");
  if (usable == cpus.allowed) return {usable, std::move(allowed)};
  std::array<char, 32> quota{};
  static_cast<void>(std::snprintf(quota.data(), quota.size(), "%.4g", cpus.quota.value_or(usable)));
  return {usable, "the cgroup's CPU quota is " + std::string(quota.data()) + "; " + allowed};
}

}  // namespace wsd::server
