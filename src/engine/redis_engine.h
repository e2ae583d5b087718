// The engine of one shard on Redis: finds the master or the masters of a cluster, keeps a link to
// each, and runs the rooms on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine_counters.h"
#include "engine/engine_driver.h"
#include "engine/engine_url.h"
#include "engine/redis_cluster.h"
#include "engine/redis_link.h"
#include "engine/redis_master.h"
#include "engine/redis_rooms.h"
#include "engine/redis_sentinel.h"

namespace wsd::engine {

struct RedisEngineSettings {
  EngineUrl url;
  LinkSettings link;
  RoomsSettings rooms;
};

// Shard's thread only.
class RedisEngine final : public EngineDriver,
                          private MasterOwner,
                          private SentinelOwner,
                          private ClusterOwner,
                          private RoomsReport {
 public:
  // The references must outlive this object. It begins to connect in the first on_time(), which is
  // due at once.
  RedisEngine(const RedisEngineSettings& settings, hub::OrderSink& sink, Network& network,
              EngineReport report);
  RedisEngine(const RedisEngine&) = delete;
  RedisEngine& operator=(const RedisEngine&) = delete;
  ~RedisEngine() override;

  [[nodiscard]] hub::OrderEngine& rooms() noexcept { return rooms_; }
  // Any thread.
  [[nodiscard]] const EngineCounters& counters() const noexcept { return counters_; }
  // Why the server says no for good, as a sentence. Empty if it does not, or has once been up: then
  // such an answer is like any other end of the link.
  [[nodiscard]] const std::string& refused_for_good() const noexcept { return refused_; }

  // EngineDriver
  void begin_turn(std::uint64_t now_ms, std::uint64_t unix_ms) noexcept override;
  [[nodiscard]] std::uint64_t deadline() const noexcept override;
  void on_time() override;
  void stop() noexcept override;

 private:
  // A master that the engine has a link to, or tries to have one.
  struct Served {
    std::string id;  // in the cluster; empty outside of one
    std::unique_ptr<RedisMaster> master;
    bool serves = true;
    std::uint64_t close_ms = kNever;  // no slot has it, so it closes then if no room has it either
  };
  // Lets ten events of a name pass per second.
  struct EventRate {
    std::string_view event;
    std::uint64_t second = 0;
    std::uint32_t passed = 0;
    std::uint64_t suppressed = 0;
  };

  void master_up(RedisMaster& master) noexcept override;
  void master_down(RedisMaster& master, const LinkDown& down) noexcept override;
  void master_beat(std::uint64_t round_trip_us) noexcept override;
  void master_found(const Endpoint& master) override;
  void sentinels_silent(std::string_view why) noexcept override;
  void slots_found(const SlotTable& table) override;
  void cluster_silent(const LinkDown& down) noexcept override;
  void engine_event(std::string_view event, std::string_view room, std::string_view text) override;
  void redirected() noexcept override;

  [[nodiscard]] RedisMaster& only_master() noexcept { return *masters_.front().master; }
  [[nodiscard]] bool all_up() const noexcept;
  void add_master(const std::string& id, RedisLane& lane);
  void lead_to_next();
  void lead_to_latest(RedisMaster& master);
  void take_slots(const SlotTable& table);
  [[nodiscard]] Served* served(const SlotMaster& listed);
  void close_unused() noexcept;
  void count() noexcept;

  const RedisEngineSettings settings_;
  const EngineReport report_;
  EngineCounters counters_;
  RedisRooms rooms_;
  Network& network_;
  std::vector<Served> masters_;
  std::unique_ptr<RedisSentinel> sentinel_;  // nullptr: not with Sentinel
  std::unique_ptr<RedisCluster> cluster_;    // nullptr: not with a cluster
  DownReport cluster_report_;
  std::string refused_;
  std::vector<EventRate> rates_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t silent_since_ms_ = 0;     // the cluster
  std::uint64_t take_slots_ms_ = kNever;  // memory ran out when slots were found
  std::size_t next_endpoint_ = 0;
  bool ever_up_ = false;
  bool stopped_ = false;
};

}  // namespace wsd::engine
