// The engine of one shard on Redis: finds the master, keeps a link to it, and runs the rooms on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine_counters.h"
#include "engine/engine_driver.h"
#include "engine/engine_url.h"
#include "engine/redis_link.h"
#include "engine/redis_rooms.h"
#include "engine/redis_sentinel.h"

namespace wsd::engine {

struct RedisEngineSettings {
  EngineUrl url;
  LinkSettings link;
  RoomsSettings rooms;
};

// Events for the log: `level` is a LogLevel of wsd/log.h, and `room` is empty if the event is not
// about one room. Shard's thread.
using EngineReport = std::function<void(int level, std::string_view event, std::string_view room,
                                        std::string_view text)>;

// Reconnects for ever, each time after a random delay of up to two seconds, so that nodes do not
// come back all at once. Shard's thread only.
class RedisEngine final : public EngineDriver,
                          private LinkOwner,
                          private SentinelOwner,
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
  // Lets ten events of a name pass per second.
  struct EventRate {
    std::string_view event;
    std::uint64_t second = 0;
    std::uint32_t passed = 0;
    std::uint64_t suppressed = 0;
  };

  void link_up(RedisLink& link, const LinkUp& up) override;
  void link_replied(RedisLink& link, const RequestTag& tag, RespValue reply) override;
  void link_pushed(RedisLink& link, RespValue push) override;
  void link_beat(RedisLink& link, std::uint64_t round_trip_us) override;
  void link_scripts_loaded(RedisLink& link) override;
  void link_down(RedisLink& link, const LinkDown& down) noexcept override;
  void master_found(const Endpoint& master) override;
  void sentinels_silent(std::string_view why) noexcept override;
  void engine_event(std::string_view event, std::string_view room, std::string_view text) override;

  [[nodiscard]] const Endpoint* next_endpoint() noexcept;
  void connect();
  void retry_later() noexcept;
  void remember(const LinkUp& up);
  void report_up(const LinkUp& up);
  void report_down(const LinkDown& down, bool was_up);
  void report_settings(const std::vector<std::string>& warnings);
  void count() noexcept;

  const RedisEngineSettings settings_;
  Network& network_;
  const EngineReport report_;
  EngineCounters counters_;
  RedisRooms rooms_;
  std::unique_ptr<RedisSentinel> sentinel_;  // nullptr: the URL names the servers
  std::unique_ptr<RedisLink> link_;
  std::unique_ptr<RedisLink> ended_link_;  // its methods may still be running
  FormerLink former_;
  std::string refused_;
  std::string why_down_;               // as it was reported
  std::vector<std::string> warnings_;  // as they were reported
  std::vector<EventRate> rates_;
  std::uint64_t random_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t retry_ms_ = 0;
  std::uint64_t connect_ms_ = 0;     // when the latest attempt began
  std::uint64_t down_since_ms_ = 0;  // while the link is not up
  std::uint64_t reported_ms_ = 0;    // when engine_down was reported
  std::size_t next_endpoint_ = 0;
  bool started_ = false;  // begin_turn() has been called
  bool ever_up_ = false;
  bool stopped_ = false;
};

}  // namespace wsd::engine
