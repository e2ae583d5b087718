// A shard's connection to one master, which is made again whenever it has ended.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/redis_link.h"
#include "engine/redis_rooms.h"
#include "engine/wire.h"

namespace wsd::engine {

// Events for the log: `level` is a LogLevel of wsd/log.h, and `room` is empty if the event is not
// about one room. Shard's thread.
using EngineReport = std::function<void(int level, std::string_view event, std::string_view room,
                                        std::string_view text)>;

// Reports `engine_down`: each new reason, and the same one once a minute.
class DownReport {
 public:
  explicit DownReport(const EngineReport& report) : report_(report) {}

  // `name` is put before the reason. `down_ms` is the time without a link, if there was none
  // before.
  void report(std::string_view name, const LinkDown& down, std::optional<std::uint64_t> down_ms,
              std::uint64_t now_ms);
  // The next reason is a new one.
  void clear() noexcept { why_.clear(); }

 private:
  const EngineReport& report_;
  std::string why_;  // as it was reported
  std::uint64_t at_ms_ = 0;
};

class RedisMaster;

// Learns what becomes of the link. Called in the engine's step of a turn, in on_time(), or during
// lead_to() and stop(). It must not destroy the RedisMaster meanwhile.
class MasterOwner {
 public:
  // Before the rooms and the log.
  virtual void master_up(RedisMaster& master) noexcept = 0;
  // After the rooms, and before the log.
  virtual void master_down(RedisMaster& master, const LinkDown& down) noexcept = 0;
  virtual void master_beat(std::uint64_t round_trip_us) noexcept = 0;

 protected:
  ~MasterOwner() = default;
};

struct MasterSettings {
  const LinkSettings& link;
  bool reports_settings = true;  // reports `engine_setting`
  bool names_address = false;    // in each report, because there are several masters
  std::uint64_t seed = 0;        // of the delays
};

// Connects for ever, each time after a random delay of up to two seconds, so that nodes do not come
// back all at once. Hands what the link receives to the rooms. Shard's thread only.
class RedisMaster final : private LinkOwner {
 public:
  // The references must outlive this object. Begins to connect in the first on_time() after
  // lead_to().
  RedisMaster(const MasterSettings& settings, RedisRooms& rooms, RedisLane& lane, Network& network,
              MasterOwner& owner, const EngineReport& report);
  RedisMaster(const RedisMaster&) = delete;
  RedisMaster& operator=(const RedisMaster&) = delete;
  ~RedisMaster();

  // The time of the turn in milliseconds of a monotonic clock, before any other call in it.
  void begin_turn(std::uint64_t now_ms) noexcept;
  // When on_time() is due.
  [[nodiscard]] std::uint64_t deadline() const noexcept;
  void on_time();

  // Sets the master's address. `why` ends a link to another address: a sentence up to that address.
  void lead_to(const Endpoint& endpoint, std::string_view why);
  // Ends the link, and makes none any more.
  void stop() noexcept;
  // Reports `engine_down` for another reason than the end of the link.
  void report_down(std::string_view why) noexcept;

  [[nodiscard]] bool up() const noexcept { return up_; }
  [[nodiscard]] RedisLane& lane() const noexcept { return lane_; }
  // Nothing: lead_to() was not called.
  [[nodiscard]] const std::optional<Endpoint>& endpoint() const noexcept { return endpoint_; }

 private:
  void link_up(RedisLink& link, const LinkUp& up) override;
  void link_replied(RedisLink& link, const RequestTag& tag, RespValue reply) override;
  void link_pushed(RedisLink& link, RespValue push) override;
  void link_beat(RedisLink& link, std::uint64_t round_trip_us) override;
  void link_scripts_loaded(RedisLink& link) override;
  void link_down(RedisLink& link, const LinkDown& down) noexcept override;

  void connect();
  void retry_later() noexcept;
  void remember(const LinkUp& up);
  void report_up(const LinkUp& up);
  void report_settings(const std::vector<std::string>& warnings);
  [[nodiscard]] std::string name() const;

  const MasterSettings settings_;
  RedisRooms& rooms_;
  RedisLane& lane_;
  Network& network_;
  MasterOwner& owner_;
  const EngineReport& report_;
  std::optional<Endpoint> endpoint_;
  std::unique_ptr<RedisLink> link_;
  std::unique_ptr<RedisLink> ended_link_;  // its methods may still be running
  FormerLink former_;
  DownReport down_report_;
  std::vector<std::string> warnings_;  // as they were reported
  std::uint64_t random_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t retry_ms_ = 0;
  std::uint64_t connect_ms_ = 0;     // when the latest attempt began
  std::uint64_t down_since_ms_ = 0;  // while the link is not up
  bool started_ = false;             // begin_turn() has been called
  bool up_ = false;
  bool stopped_ = false;
};

}  // namespace wsd::engine
