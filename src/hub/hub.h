// The hub: a constant array of shards, and the way to each from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "hub/shard.h"
#include "wsd/connection.h"
#include "wsd/message.h"

namespace wsd::hub {

// The shard that a connection belongs to for life.
[[nodiscard]] std::uint32_t shard_of(ConnectionId id) noexcept;

class Hub {
 public:
  static constexpr std::uint32_t kMaxShards = 64;  // one bit each in a gate's set of waiters

  // One shard for each waker. The wakers outlive the hub.
  Hub(const std::vector<Waker*>& wakers, const Shard::Options& options);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // All methods: any thread.
  [[nodiscard]] std::uint32_t shard_count() const noexcept {
    return static_cast<std::uint32_t>(shards_.size());
  }
  [[nodiscard]] Shard& shard(std::uint32_t index) const noexcept { return *shards_[index]; }
  // The shard that orders a room's messages.
  [[nodiscard]] std::uint32_t home_of(std::string_view room) const noexcept;

  // For threads that are no reactor.
  [[nodiscard]] SendResult publish(std::string_view room, SharedBytes frame,
                                   std::unique_ptr<RoomListener> receipt = nullptr) const;
  void ask(std::string_view room, std::unique_ptr<RoomListener> listener) const;
  [[nodiscard]] SendResult send(ConnectionId member, SharedBytes frame) const;
  void close(ConnectionId member, CloseCode code, std::string_view reason) const;
  void join(ConnectionId member, std::string_view room, const Since& since = {}) const;
  void leave(ConnectionId member, std::string_view room) const;
  // To every shard.
  void command(std::uint32_t commands) const;

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace wsd::hub
