// Checks that what waits between reactors is bounded: gates close, and the connections that fill
// them are not read until they open.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "hub/hub.h"

namespace wsd::sim {

class Pressure {
 public:
  explicit Pressure(std::uint64_t max_pending_bytes) : most_(max_pending_bytes) {}

  // Around each turn of a reactor. A home shard must not send to a shard whose delivery gate it has
  // found closed, until that shard has taken half of the limit.
  void begin_turn(const hub::Hub& hub);
  void end_turn(const hub::Hub& hub, std::uint32_t reactor);

  // The messages that have no position yet, by home shard. A handler of a connection on another
  // reactor publishes: such a connection must not be read while they exceed the limit.
  void publish(ConnectionId connection, std::uint32_t home, std::size_t bytes);
  void publish_at_home(std::uint32_t home, std::size_t bytes) { unplaced_[home] += bytes; }
  // A publish of another thread was accepted.
  void accepted_from_outside(std::uint32_t home, std::size_t bytes);
  void placed(std::uint32_t home, std::size_t bytes);

  // Nothing is in progress.
  void check_rest(const hub::Hub& hub) const;

 private:
  static constexpr std::size_t kMostReactors = 3;
  using PerReactor = std::array<std::uint64_t, kMostReactors>;
  struct Excess {  // of one connection, since the messages last were below half of the limit
    std::uint64_t turn = 0;
    int turns = 0;
  };

  const std::uint64_t most_;
  std::uint64_t turn_ = 0;
  PerReactor before_ = {};
  PerReactor unplaced_ = {};
  std::array<std::array<bool, kMostReactors>, kMostReactors> found_closed_ = {};  // home, target
  std::map<std::pair<std::uint32_t, ConnectionId>, Excess> excesses_;
};

}  // namespace wsd::sim
