#include "server/redis_setup.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "base/entropy.h"
#include "net/clock.h"

namespace wsd::server {

namespace {

std::uint64_t monotonic_us() { return net::monotonic_ns() / 1'000; }

engine::RedisEngineSettings settings_of(const ServerOptions& options) {
  engine::RedisEngineSettings settings;
  const std::string error = engine::parse_engine_url(options.engine.url, settings.url);
  WSD_ASSERT(error.empty());
  settings.link.user = options.engine.user;
  settings.link.password = options.engine.password;
  settings.link.prefix = options.engine.prefix;
  settings.link.cluster = settings.url.kind == engine::EngineUrl::Kind::kCluster;
  settings.link.timeout_ms = options.engine.timeout_ms;
  settings.link.max_message_bytes = options.limits.max_message_bytes;
  settings.link.now_us = &monotonic_us;
  settings.rooms.prefix = options.engine.prefix;
  settings.rooms.node.process = static_cast<std::uint32_t>(wsd_random_word());
  settings.rooms.backlog = options.engine.backlog;
  // A POST gets a response that says what has become of its message, so the engine must give up
  // before the request does.
  settings.rooms.publish_timeout_ms = std::uint64_t{options.http.response_timeout_ms} * 9 / 10;
  settings.rooms.engine_timeout_ms = options.engine.timeout_ms;
  return settings;
}

}  // namespace

RedisSetup::RedisSetup(const ServerOptions& options, Report report)
    : settings_(settings_of(options)), report_(std::move(report)) {}

void RedisSetup::attach(hub::Hub& hub, const std::vector<std::unique_ptr<net::Reactor>>& reactors) {
  for (std::uint32_t i = 0; i < hub.shard_count(); ++i) {
    hub::Shard& shard = hub.shard(i);
    net::EnginePort& port = reactors[i]->engine_port();
    engine::RedisEngineSettings settings = settings_;
    settings.rooms.node.shard = i;
    settings.rooms.seed = wsd_random_word();
    settings.link.client_name =
        "wsd-" + std::to_string(settings.rooms.node.process) + "-" + std::to_string(i);
    engines_.push_back(std::make_unique<engine::RedisEngine>(
        settings, shard.order_sink(), port,
        [this, i](int level, std::string_view event, std::string_view room, std::string_view text) {
          report(i, static_cast<LogLevel>(level), event, room, text);
        }));
    shard.set_order_engine(&engines_.back()->rooms());
    port.set_driver(engines_.back().get());
  }
}

void RedisSetup::report(std::uint32_t reactor, LogLevel level, std::string_view event,
                        std::string_view room, std::string_view text) {
  report_(level, event, reactor, room, text);
  if (!room.empty()) return;
  const bool refused = event == "engine_refused";
  if (!refused && event != "engine_up" && event != "engine_down") return;
  const std::lock_guard lock(first_contact_);
  if (refused && refused_.empty()) refused_ = text;
  contacts_ |= std::uint64_t{1} << reactor;
  contacted_.notify_all();
}

std::string RedisSetup::await_first_contact(std::uint32_t most_ms) {
  std::unique_lock lock(first_contact_);
  contacted_.wait_for(lock, std::chrono::milliseconds(most_ms), [this] {
    return !refused_.empty() ||
           static_cast<std::size_t>(std::popcount(contacts_)) == engines_.size();
  });
  return refused_;
}

void RedisSetup::stop() noexcept {
  if (std::exchange(stopped_, true)) return;
  for (const auto& each : engines_) each->stop();
}

EngineFigures RedisSetup::figures() const {
  EngineFigures figures;
  figures.up = figures.ever_up = true;
  const std::uint64_t now_ms = net::monotonic_ms();
  for (const auto& each : engines_) {
    const engine::EngineCounters& counters = each->counters();
    figures.up = figures.up && counters.up.value() != 0;
    figures.ever_up = figures.ever_up && counters.connects.value() != 0;
    const std::uint64_t since_ms = counters.unready_since_ms.value();
    if (since_ms != 0) {
      const std::uint64_t unready_ms = now_ms - std::min(now_ms, since_ms);
      figures.unready_ms = std::max<std::uint64_t>({figures.unready_ms, unready_ms, 1});
    }
    figures.rooms_opening += counters.rooms_opening.value();
    figures.rooms_live += counters.rooms_live.value();
    figures.rooms_lost += counters.rooms_lost.value();
    figures.in_flight += counters.in_flight.value();
    figures.placed_total += counters.placed.value();
    figures.refused_total += counters.refused.value();
    figures.unknown_total += counters.unknown.value();
    figures.pushes_total += counters.pushes.value();
    figures.connects_total += counters.connects.value();
    figures.catch_ups_total += counters.catch_ups.value();
    figures.gaps_total += counters.gaps.value();
    figures.epochs_total += counters.epochs.value();
    counters.round_trips.add_to(figures.round_trip);
  }
  return figures;
}

}  // namespace wsd::server
