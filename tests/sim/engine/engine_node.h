// One node of the simulated service: a hub whose shards have engines on a network in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_network.h"
#include "engine/redis_engine.h"
#include "hub/hub.h"
#include "hub/member.h"
#include "sim/engine/engine_oracle.h"
#include "sim/random.h"

namespace wsd::sim {

// A connection that is in one room.
class SimMember final : public hub::Member {
 public:
  explicit SimMember(RoomView of) : view(std::move(of)) { set_encoding(1); }
  SimMember(const SimMember&) = delete;
  SimMember& operator=(const SimMember&) = delete;
  virtual ~SimMember() = default;

  void deliver(const hub::Batch& batch) override;
  void deliver(const SharedBytes& frame) override;
  void close(CloseCause cause, CloseCode code, std::string_view reason) override;
  void join_refused(std::string_view room, JoinRefusal why) override;
  void on_deadline(Tick /*now*/) override {}

  RoomView view;
  bool refused = false;
  bool closed = false;  // for a message that was refused
};

// Encoding 1 has the position before the payload, and notices.
class SimEncoder final : public hub::Encoder {
 public:
  SharedBytes encode(const SharedBytes& plain, hub::Encoding encoding,
                     const Position& position) override;
  SharedBytes gap_notice(hub::Encoding encoding, const Position& position) override;
  SharedBytes position_notice(hub::Encoding encoding, const Position& position) override;
};

struct NodePlan {
  std::uint32_t shards = 1;
  std::uint32_t max_pending_publishes = 64;
  hub::HistoryLimits history = {};
  engine::RoomsSettings rooms = {};
  engine::LinkSettings link = {};
  engine::EngineUrl url = {};
  unsigned memory_percent = 0;  // of turns in which allocations fail
};

class SimNode {
 public:
  SimNode(const NodePlan& plan, std::uint32_t process, std::string name, EngineOracle& oracle);
  SimNode(const SimNode&) = delete;
  SimNode& operator=(const SimNode&) = delete;
  ~SimNode();

  // One turn of one shard's thread. `random` divides what arrives and what is sent.
  void turn(std::uint32_t shard, std::uint64_t now_ms, Random& random, bool gently);
  // When the next turn is due without any input.
  [[nodiscard]] std::uint64_t deadline() const noexcept;

  [[nodiscard]] std::uint32_t shards() const noexcept { return hub_->shard_count(); }
  [[nodiscard]] hub::Shard& shard(std::uint32_t index) noexcept { return hub_->shard(index); }
  [[nodiscard]] hub::Hub& hub() noexcept { return *hub_; }
  [[nodiscard]] engine::FakeNetwork& network(std::uint32_t index) noexcept {
    return *parts_[index].network;
  }
  [[nodiscard]] const engine::RedisEngine& engine(std::uint32_t index) const noexcept {
    return *parts_[index].engine;
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // A name for the order of one thread's messages.
  [[nodiscard]] std::uint64_t publisher(std::uint32_t shard) const noexcept {
    return std::uint64_t{process_} * 64 + shard;
  }
  [[nodiscard]] bool may_publish(std::uint32_t shard) const noexcept {
    return !parts_[shard].congested;
  }
  void publish(std::uint32_t shard, const std::string& room, std::uint64_t number,
               std::size_t bytes, bool with_receipt, ConnectionId publisher);
  // Publishes a message with a key of its own. It may be published again.
  void publish_once(std::uint32_t shard, const std::string& room, std::uint64_t number,
                    std::size_t bytes);
  // Until this time the thread of a shard does nothing.
  void stall(std::uint32_t shard, std::uint64_t until_ms) noexcept {
    parts_[shard].stalled_until_ms = until_ms;
  }
  void end_stalls() noexcept {
    for (Part& each : parts_) each.stalled_until_ms = 0;
  }
  [[nodiscard]] bool is_stalled(std::uint32_t shard, std::uint64_t now_ms) const noexcept {
    return parts_[shard].stalled_until_ms > now_ms;
  }
  // Nothing waits anywhere in the node.
  [[nodiscard]] bool is_quiet() const noexcept;
  [[nodiscard]] bool is_up() const noexcept;
  // Each shard says that its engine is down and that it is not ready.
  [[nodiscard]] bool is_down() const noexcept;
  // What the node waits for, for a failure's text.
  [[nodiscard]] std::string state() const;
  [[nodiscard]] std::size_t open_rooms() const noexcept;

 private:
  class NoWaker final : public hub::Waker {
   public:
    void wake() noexcept override {}
  };
  struct Part {
    std::unique_ptr<engine::FakeNetwork> network;
    std::unique_ptr<engine::RedisEngine> engine;
    bool congested = false;
    std::uint64_t stalled_until_ms = 0;
  };

  const std::uint32_t process_;
  const std::string name_;
  EngineOracle& oracle_;
  const unsigned memory_percent_;
  std::vector<NoWaker> wakers_;
  SimEncoder encoder_;
  std::unique_ptr<hub::Hub> hub_;
  std::vector<Part> parts_;
};

}  // namespace wsd::sim
