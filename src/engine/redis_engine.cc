#include "engine/redis_engine.h"

#include <algorithm>
#include <new>
#include <utility>

#include "wsd/log.h"

namespace wsd::engine {

namespace {

constexpr std::uint32_t kMostEventsPerSecond = 10;
constexpr std::uint64_t kCloseMs = 10'000;     // before the link to a master without slots ends
constexpr std::uint64_t kMemoryDelayMs = 100;  // before the slots are taken again

[[nodiscard]] int level_of(std::string_view event) noexcept {
  return static_cast<int>(event == "engine_epoch" ? LogLevel::kInfo : LogLevel::kWarn);
}

}  // namespace

RedisEngine::RedisEngine(const RedisEngineSettings& settings, hub::OrderSink& sink,
                         Network& network, EngineReport report)
    : settings_(settings),
      report_(std::move(report)),
      rooms_(settings_.rooms, sink, *this),
      network_(network),
      cluster_report_(report_) {
  if (settings_.url.kind == EngineUrl::Kind::kCluster) {
    rooms_.use_slots();
    ClusterOwner& owner_of_cluster = *this;
    cluster_ =
        std::make_unique<RedisCluster>(settings_.url, settings_.link, network, owner_of_cluster);
    return;
  }
  add_master({}, rooms_.lane());
  if (settings_.url.kind == EngineUrl::Kind::kSentinel) {
    SentinelOwner& owner_of_sentinel = *this;
    sentinel_ = std::make_unique<RedisSentinel>(settings_.url, network, owner_of_sentinel);
  } else {
    lead_to_next();
  }
}

RedisEngine::~RedisEngine() = default;

void RedisEngine::begin_turn(std::uint64_t now_ms, std::uint64_t /*unix_ms*/) noexcept {
  now_ms_ = now_ms;
  rooms_.begin_turn(now_ms);
  for (const Served& each : masters_) each.master->begin_turn(now_ms);
  if (sentinel_) sentinel_->begin_turn(now_ms);
  if (cluster_) cluster_->begin_turn(now_ms);
  count();
}

std::uint64_t RedisEngine::deadline() const noexcept {
  if (stopped_) return kNever;
  std::uint64_t next = std::min(rooms_.deadline(), take_slots_ms_);
  for (const Served& each : masters_) {
    next = std::min({next, each.master->deadline(), each.close_ms});
  }
  if (sentinel_) next = std::min(next, sentinel_->deadline());
  return cluster_ ? std::min(next, cluster_->deadline()) : next;
}

void RedisEngine::on_time() {
  if (stopped_) return;
  rooms_.on_time();
  if (sentinel_ && now_ms_ >= sentinel_->deadline()) sentinel_->on_time();
  if (cluster_ && now_ms_ >= cluster_->deadline()) cluster_->on_time();
  if (now_ms_ >= take_slots_ms_) slots_found(cluster_->slots());
  for (const Served& each : masters_) each.master->on_time();
  close_unused();
}

void RedisEngine::stop() noexcept {
  stopped_ = true;
  for (const Served& each : masters_) each.master->stop();
  sentinel_.reset();
  cluster_.reset();
}

// --- The masters

void RedisEngine::add_master(const std::string& id, RedisLane& lane) {
  // Each of a process's shards has an engine, and one report of the settings is enough.
  const MasterSettings settings{settings_.link, settings_.rooms.node.shard == 0,
                                cluster_ != nullptr, settings_.rooms.seed + masters_.size()};
  MasterOwner& owner = *this;
  Served added;
  added.id = id;
  added.master = std::make_unique<RedisMaster>(settings, rooms_, lane, network_, owner, report_);
  masters_.push_back(std::move(added));
}

// Each master that serves slots has a link, and each slot has a master.
bool RedisEngine::all_up() const noexcept {
  return (!cluster_ || cluster_->slots().complete()) &&
         std::ranges::all_of(masters_,
                             [](const Served& each) { return !each.serves || each.master->up(); });
}

void RedisEngine::master_up(RedisMaster& /*master*/) noexcept {
  ever_up_ = true;
  refused_.clear();
  counters_.up.set(all_up() ? 1 : 0);
  counters_.connects.add(1);
}

void RedisEngine::master_beat(std::uint64_t round_trip_us) noexcept {
  counters_.round_trips.record(round_trip_us * 1'000);
}

void RedisEngine::master_down(RedisMaster& master, const LinkDown& down) noexcept {
  counters_.up.set(all_up() ? 1 : 0);
  if (sentinel_) sentinel_->ask_again();
  if (cluster_) cluster_->ask_again();
  count();
  if (stopped_) return;
  try {
    if (cluster_) lead_to_latest(master);
    if (!sentinel_ && !cluster_) lead_to_next();
    if (down.for_good && !ever_up_) refused_ = down.why;
  } catch (const std::bad_alloc&) {
    // The next attempt ends in the same way.
  }
}

// The servers that the URL names are tried in turn.
void RedisEngine::lead_to_next() {
  const auto& endpoints = settings_.url.endpoints;
  only_master().lead_to(endpoints[next_endpoint_++ % endpoints.size()], {});
}

// The cluster may have given the master another address while its link was up.
void RedisEngine::lead_to_latest(RedisMaster& master) {
  const auto found = std::ranges::find_if(
      masters_, [&](const Served& each) { return each.master.get() == &master; });
  for (const SlotMaster& each : cluster_->slots().masters()) {
    if (found != masters_.end() && each.id == found->id && each.serves) master.lead_to(each.at, {});
  }
}

// --- Sentinel

void RedisEngine::master_found(const Endpoint& master) {
  only_master().lead_to(master, "Sentinel names another master: ");
}

void RedisEngine::sentinels_silent(std::string_view why) noexcept {
  only_master().report_down(why);
}

// --- The cluster

void RedisEngine::redirected() noexcept {
  if (cluster_) cluster_->ask_again();
}

void RedisEngine::slots_found(const SlotTable& table) {
  if (stopped_) return;
  silent_since_ms_ = 0;
  cluster_report_.clear();
  try {
    take_slots_ms_ = kNever;
    take_slots(table);
  } catch (const std::bad_alloc&) {
    take_slots_ms_ = now_ms_ + kMemoryDelayMs;
  }
  counters_.up.set(all_up() ? 1 : 0);
  count();
}

void RedisEngine::take_slots(const SlotTable& table) {
  auto lanes = std::make_unique<SlotLanes>();
  std::vector<RedisLane*> lane_of;
  for (const SlotMaster& each : table.masters()) {
    Served* const found = served(each);
    lane_of.push_back(found == nullptr ? nullptr : &found->master->lane());
  }
  for (std::uint16_t slot = 0; slot < SlotTable::kSlots; ++slot) {
    const SlotMaster* const master = table.master_of(slot);
    (*lanes)[slot] = master == nullptr
                         ? nullptr
                         : lane_of[static_cast<std::size_t>(master - table.masters().data())];
  }
  for (Served& each : masters_) {
    const bool listed = std::ranges::any_of(
        table.masters(), [&](const SlotMaster& master) { return master.id == each.id; });
    each.serves = each.serves && listed;
    each.close_ms = listed ? kNever : std::min(each.close_ms, now_ms_ + kCloseMs);
  }
  rooms_.assign(std::move(lanes));
}

// Returns the link to a master of the cluster, or nullptr if it has none and does not serve.
RedisEngine::Served* RedisEngine::served(const SlotMaster& listed) {
  auto found =
      std::ranges::find_if(masters_, [&](const Served& each) { return each.id == listed.id; });
  if (found == masters_.end()) {
    if (!listed.serves) return nullptr;
    RedisLane& lane = rooms_.add_lane();
    try {
      add_master(listed.id, lane);
    } catch (...) {
      rooms_.remove_lane(lane);
      throw;
    }
    found = masters_.end() - 1;
    found->master->begin_turn(now_ms_);
  }
  found->serves = listed.serves;
  // Nodes may know the master by different addresses, and one that works is good.
  if (listed.serves && !found->master->up()) {
    found->master->lead_to(listed.at, "The cluster gives the master another address: ");
  }
  return &*found;
}

// A master that is no longer in the cluster is left when all rooms have left it. One that has only
// failed keeps its link, which knows the connections that must be ended if it comes back.
void RedisEngine::close_unused() noexcept {
  for (std::size_t i = masters_.size(); i-- > 0;) {
    Served& each = masters_[i];
    if (now_ms_ < each.close_ms) continue;
    RedisLane& lane = each.master->lane();
    if (rooms_.is_used(lane)) {
      each.close_ms = now_ms_ + kCloseMs;
      continue;
    }
    each.master->stop();
    masters_.erase(masters_.begin() + static_cast<std::ptrdiff_t>(i));
    rooms_.remove_lane(lane);
  }
}

void RedisEngine::cluster_silent(const LinkDown& down) noexcept {
  if (counters_.up.value() != 0 || stopped_) return;
  if (silent_since_ms_ == 0) silent_since_ms_ = now_ms_;
  try {
    cluster_report_.report({}, down, now_ms_ - silent_since_ms_, now_ms_);
    if (down.for_good && !ever_up_) refused_ = down.why;
  } catch (const std::bad_alloc&) {
    // The engine goes on without the report.
  }
}

// --- Reports

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
