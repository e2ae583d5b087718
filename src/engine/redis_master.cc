#include "engine/redis_master.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "wsd/log.h"

namespace wsd::engine {

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::uint64_t kMostDelayMs = 2'000;
constexpr std::uint64_t kRemindMs = 60'000;  // between two reports that the engine is down

// SplitMix64, by Sebastiano Vigna (public domain).
[[nodiscard]] std::uint64_t next_random(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EB;
  return z ^ (z >> 31U);
}

}  // namespace

RedisMaster::RedisMaster(const MasterSettings& settings, RedisRooms& rooms, RedisLane& lane,
                         Network& network, MasterOwner& owner, const EngineReport& report)
    : settings_(settings),
      rooms_(rooms),
      lane_(lane),
      network_(network),
      owner_(owner),
      report_(report),
      down_report_(report),
      random_(settings.seed) {}

RedisMaster::~RedisMaster() = default;

void RedisMaster::begin_turn(std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  ended_link_.reset();
  if (!started_) {
    started_ = true;
    retry_ms_ = now_ms;
    down_since_ms_ = now_ms;
  }
  if (link_) link_->begin_turn(now_ms);
}

std::uint64_t RedisMaster::deadline() const noexcept {
  if (stopped_) return kNever;
  if (link_) return link_->deadline();
  return endpoint_ ? retry_ms_ : kNever;
}

void RedisMaster::on_time() {
  if (stopped_) return;
  if (link_) {
    link_->on_time();
  } else if (endpoint_ && now_ms_ >= retry_ms_) {
    connect();
  }
}

void RedisMaster::lead_to(const Endpoint& endpoint, std::string_view why) {
  endpoint_ = endpoint;
  if (link_ && link_->endpoint() != endpoint) link_->end(std::string(why) + endpoint.text());
}

void RedisMaster::stop() noexcept {
  stopped_ = true;
  if (link_) link_->end("The server stops");
}

void RedisMaster::connect() {
  connect_ms_ = now_ms_;
  retry_later();
  LinkOwner& owner = *this;
  try {
    link_ =
        std::make_unique<RedisLink>(settings_.link, former_, network_, *endpoint_, owner, now_ms_);
  } catch (const std::bad_alloc&) {
    // The next attempt may have memory.
  }
}

void RedisMaster::retry_later() noexcept {
  retry_ms_ = now_ms_ + next_random(random_) % (kMostDelayMs + 1);
}

void RedisMaster::link_up(RedisLink& link, const LinkUp& up) {
  up_ = true;
  down_report_.clear();
  owner_.master_up(*this);
  report_up(up);
  remember(up);
  rooms_.link_up(lane_, link, up);
}

void RedisMaster::remember(const LinkUp& up) {
  constexpr std::size_t kMostBefore = 4;
  FormerLink now{up.client_id, up.replid, former_.before};
  if (former_.client_id != 0) {
    now.before.insert(now.before.begin(), FormerLink{former_.client_id, former_.replid, {}});
  }
  if (now.before.size() > kMostBefore) now.before.pop_back();
  former_ = std::move(now);
}

void RedisMaster::link_replied(RedisLink& /*link*/, const RequestTag& tag, RespValue reply) {
  rooms_.link_replied(lane_, tag, reply);
}

void RedisMaster::link_pushed(RedisLink& /*link*/, RespValue push) {
  rooms_.link_pushed(lane_, push);
}

void RedisMaster::link_beat(RedisLink& /*link*/, std::uint64_t round_trip_us) {
  owner_.master_beat(round_trip_us);
  rooms_.link_beat(lane_);
}

void RedisMaster::link_scripts_loaded(RedisLink& /*link*/) { rooms_.link_scripts_loaded(lane_); }

void RedisMaster::link_down(RedisLink& /*link*/, const LinkDown& down) noexcept {
  const bool was_up = std::exchange(up_, false);
  if (was_up) down_since_ms_ = now_ms_;
  // The link, or the rooms on it, may have called this. It is destroyed in the next turn.
  ended_link_ = std::move(link_);
  retry_later();
  if (lane_.link != nullptr) rooms_.link_down(lane_);  // else memory ran out in link_up()
  owner_.master_down(*this, down);
  if (stopped_) return;
  try {
    const std::uint64_t down_ms = now_ms_ - down_since_ms_;
    down_report_.report(name(), down, was_up ? std::nullopt : std::optional(down_ms), now_ms_);
  } catch (const std::bad_alloc&) {
    // The engine goes on without the report.
  }
}

// --- Reports

// Returns what a report begins with.
std::string RedisMaster::name() const {
  return settings_.names_address && endpoint_ ? endpoint_->text() + ": " : std::string{};
}

void RedisMaster::report_up(const LinkUp& up) {
  constexpr std::size_t kShownDigits = 8;
  const std::string text = name() + "version " + up.version + ", role master, replid " +
                           up.replid.substr(0, kShownDigits) + ", connected in " +
                           std::to_string(now_ms_ - connect_ms_) + " ms, down for " +
                           std::to_string(now_ms_ - down_since_ms_) + " ms";
  report_(static_cast<int>(LogLevel::kInfo), "engine_up", {}, text);
  report_settings(up.warnings);
}

void RedisMaster::report_settings(const std::vector<std::string>& warnings) {
  if (!settings_.reports_settings || warnings == warnings_) return;
  warnings_ = warnings;
  for (const std::string& warning : warnings) {
    report_(static_cast<int>(LogLevel::kWarn), "engine_setting", {}, name() + warning);
  }
}

void RedisMaster::report_down(std::string_view why) noexcept {
  if (up_ || stopped_) return;
  try {
    down_report_.report(name(), {std::string{why}, false}, now_ms_ - down_since_ms_, now_ms_);
  } catch (const std::bad_alloc&) {
    // The engine goes on without the report.
  }
}

void DownReport::report(std::string_view name, const LinkDown& down,
                        std::optional<std::uint64_t> down_ms, std::uint64_t now_ms) {
  if (down_ms && down.why == why_ && now_ms - at_ms_ < kRemindMs) return;
  why_ = down.why;
  at_ms_ = now_ms;
  std::string text = std::string{name} + down.why;
  if (down.for_good) report_(static_cast<int>(LogLevel::kError), "engine_refused", {}, text);
  if (down_ms) text += " (down for " + std::to_string(*down_ms) + " ms)";
  report_(static_cast<int>(LogLevel::kWarn), "engine_down", {}, text);
}

}  // namespace wsd::engine
