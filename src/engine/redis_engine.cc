#include "engine/redis_engine.h"

#include <algorithm>
#include <new>
#include <utility>

#include "wsd/log.h"

namespace wsd::engine {

namespace {

constexpr std::uint64_t kMostDelayMs = 2'000;
constexpr std::uint64_t kRemindMs = 60'000;  // between two reports that the engine is down
constexpr std::uint32_t kMostEventsPerSecond = 10;

// SplitMix64, by Sebastiano Vigna (public domain).
[[nodiscard]] std::uint64_t next_random(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EB;
  return z ^ (z >> 31U);
}

[[nodiscard]] int level_of(std::string_view event) noexcept {
  return static_cast<int>(event == "engine_epoch" ? LogLevel::kInfo : LogLevel::kWarn);
}

}  // namespace

RedisEngine::RedisEngine(const RedisEngineSettings& settings, hub::OrderSink& sink,
                         Network& network, EngineReport report)
    : settings_(settings),
      network_(network),
      report_(std::move(report)),
      rooms_(settings_.rooms, sink, *this),
      random_(settings_.rooms.seed) {
  if (settings_.url.kind != EngineUrl::Kind::kSentinel) return;
  SentinelOwner& owner = *this;
  sentinel_ = std::make_unique<RedisSentinel>(settings_.url, network, owner);
}

RedisEngine::~RedisEngine() = default;

void RedisEngine::begin_turn(std::uint64_t now_ms, std::uint64_t /*unix_ms*/) noexcept {
  now_ms_ = now_ms;
  ended_link_.reset();
  if (!started_) {
    started_ = true;
    retry_ms_ = now_ms;
    down_since_ms_ = now_ms;
  }
  rooms_.begin_turn(now_ms);
  if (link_) link_->begin_turn(now_ms);
  if (sentinel_) sentinel_->begin_turn(now_ms);
  count();
}

std::uint64_t RedisEngine::deadline() const noexcept {
  if (stopped_) return kNever;
  std::uint64_t next = rooms_.deadline();
  if (sentinel_) next = std::min(next, sentinel_->deadline());
  if (link_) return std::min(next, link_->deadline());
  // Without a master, the sentinels' answer is awaited.
  return sentinel_ && !sentinel_->master() ? next : std::min(next, retry_ms_);
}

void RedisEngine::on_time() {
  if (stopped_) return;
  rooms_.on_time();
  if (sentinel_ && now_ms_ >= sentinel_->deadline()) sentinel_->on_time();
  if (link_) {
    link_->on_time();
  } else if (now_ms_ >= retry_ms_) {
    connect();
  }
}

void RedisEngine::stop() noexcept {
  stopped_ = true;
  if (link_) link_->end("The server stops");
  sentinel_.reset();
}

// Returns nullptr if it is not known.
const Endpoint* RedisEngine::next_endpoint() noexcept {
  if (sentinel_) return sentinel_->master() ? &*sentinel_->master() : nullptr;
  const auto& endpoints = settings_.url.endpoints;
  return &endpoints[next_endpoint_++ % endpoints.size()];
}

void RedisEngine::connect() {
  const Endpoint* const to = next_endpoint();
  if (to == nullptr) return;
  connect_ms_ = now_ms_;
  retry_later();
  LinkOwner& owner = *this;
  try {
    link_ = std::make_unique<RedisLink>(settings_.link, former_, network_, *to, owner, now_ms_);
  } catch (const std::bad_alloc&) {
    // The next attempt may have memory.
  }
}

void RedisEngine::retry_later() noexcept {
  retry_ms_ = now_ms_ + next_random(random_) % (kMostDelayMs + 1);
}

// --- The link

void RedisEngine::link_up(RedisLink& link, const LinkUp& up) {
  ever_up_ = true;
  refused_.clear();
  why_down_.clear();
  counters_.up.set(1);
  counters_.connects.add(1);
  report_up(up);
  remember(up);
  rooms_.link_up(link, up);
}

void RedisEngine::remember(const LinkUp& up) {
  constexpr std::size_t kMostBefore = 4;
  FormerLink now{up.client_id, up.replid, std::move(former_.before)};
  if (former_.client_id != 0) {
    now.before.insert(now.before.begin(), FormerLink{former_.client_id, former_.replid, {}});
  }
  if (now.before.size() > kMostBefore) now.before.pop_back();
  former_ = std::move(now);
}

void RedisEngine::link_replied(RedisLink& /*link*/, const RequestTag& tag, RespValue reply) {
  rooms_.link_replied(tag, reply);
}

void RedisEngine::link_pushed(RedisLink& /*link*/, RespValue push) { rooms_.link_pushed(push); }

void RedisEngine::link_beat(RedisLink& /*link*/, std::uint64_t round_trip_us) {
  counters_.round_trips.record(round_trip_us * 1'000);
  rooms_.link_beat();
}

void RedisEngine::link_scripts_loaded(RedisLink& /*link*/) { rooms_.link_scripts_loaded(); }

void RedisEngine::link_down(RedisLink& /*link*/, const LinkDown& down) noexcept {
  const bool was_up = counters_.up.value() != 0;
  counters_.up.set(0);
  if (was_up) down_since_ms_ = now_ms_;
  // The link, or the rooms on it, may have called this. It is destroyed in the next turn.
  ended_link_ = std::move(link_);
  retry_later();
  if (was_up) rooms_.link_down();
  if (sentinel_) sentinel_->ask_again();
  count();
  if (stopped_) return;
  try {
    if (down.for_good && !ever_up_) refused_ = down.why;
    report_down(down, was_up);
  } catch (const std::bad_alloc&) {
    // The engine goes on without the report.
  }
}

// --- Sentinel

void RedisEngine::master_found(const Endpoint& master) {
  if (link_ && link_->endpoint() != master) {
    link_->end("Sentinel names another master: " + master.text());
  }
}

void RedisEngine::sentinels_silent(std::string_view why) noexcept {
  if (counters_.up.value() != 0 || stopped_) return;
  try {
    report_down({std::string{why}, false}, false);
  } catch (const std::bad_alloc&) {
    // The engine goes on without the report.
  }
}

// --- Reports

void RedisEngine::report_up(const LinkUp& up) {
  constexpr std::size_t kShownDigits = 8;
  const std::string text = "version " + up.version + ", role master, replid " +
                           up.replid.substr(0, kShownDigits) + ", connected in " +
                           std::to_string(now_ms_ - connect_ms_) + " ms, down for " +
                           std::to_string(now_ms_ - down_since_ms_) + " ms";
  report_(static_cast<int>(LogLevel::kInfo), "engine_up", {}, text);
  report_settings(up.warnings);
}

// Each of a process's shards has an engine, and one report for all of them is enough.
void RedisEngine::report_settings(const std::vector<std::string>& warnings) {
  if (settings_.rooms.node.shard != 0 || warnings == warnings_) return;
  warnings_ = warnings;
  for (const std::string& warning : warnings) {
    report_(static_cast<int>(LogLevel::kWarn), "engine_setting", {}, warning);
  }
}

// Reports each new reason, and the same one once a minute.
void RedisEngine::report_down(const LinkDown& down, bool was_up) {
  if (!was_up && down.why == why_down_ && now_ms_ - reported_ms_ < kRemindMs) return;
  why_down_ = down.why;
  reported_ms_ = now_ms_;
  if (down.for_good) {
    report_(static_cast<int>(LogLevel::kError), "engine_refused", {}, down.why);
  }
  std::string text = down.why;
  if (!was_up) text += " (down for " + std::to_string(now_ms_ - down_since_ms_) + " ms)";
  report_(static_cast<int>(LogLevel::kWarn), "engine_down", {}, text);
}

void RedisEngine::engine_event(std::string_view event, std::string_view room,
                               std::string_view text) {
  auto rate = std::find_if(rates_.begin(), rates_.end(),
                           [&](const EventRate& known) { return known.event == event; });
  // The names of events are literals.
  if (rate == rates_.end()) rate = rates_.insert(rate, EventRate{event, 0, 0, 0});
  const std::uint64_t second = now_ms_ / 1'000;
  if (rate->second != second) {
    rate->second = second;
    rate->passed = 0;
  }
  if (rate->passed == kMostEventsPerSecond) {
    ++rate->suppressed;
    return;
  }
  ++rate->passed;
  if (rate->suppressed == 0) return report_(level_of(event), event, room, text);
  std::string more{text};
  more += " (" + std::to_string(rate->suppressed) + " suppressed)";
  rate->suppressed = 0;
  report_(level_of(event), event, room, more);
}

void RedisEngine::count() noexcept {
  const RoomsFigures figures = rooms_.figures();
  counters_.rooms_opening.set(figures.opening);
  counters_.rooms_live.set(figures.live);
  counters_.rooms_lost.set(figures.lost);
  counters_.in_flight.set(figures.in_flight);
  counters_.placed.set(figures.placed);
  counters_.refused.set(figures.refused);
  counters_.unknown.set(figures.unknown);
  counters_.pushes.set(figures.pushes);
  counters_.catch_ups.set(figures.catch_ups);
  counters_.gaps.set(figures.gaps);
  counters_.epochs.set(figures.epochs);
  if (counters_.up.value() != 0 && rooms_.caught_up()) {
    counters_.unready_since_ms.set(0);
  } else if (counters_.unready_since_ms.value() == 0) {
    counters_.unready_since_ms.set(std::max<std::uint64_t>(now_ms_, 1));
  }
}

}  // namespace wsd::engine
