// The hub: a constant array of shards, and the functions by which any thread reaches them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "hub/shard.h"
#include "wsd/connection.h"
#include "wsd/message.h"

namespace wsd::hub {

// Counts the rooms of all shards. Any thread. Relaxed, because the count only serves a limit and
// orders nothing.
class RoomCount {
 public:
  // Counts one more room. Returns the number of rooms, including the new one.
  std::uint32_t add() noexcept { return rooms_.fetch_add(1, std::memory_order_relaxed) + 1; }
  void remove() noexcept { rooms_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t value() const noexcept {
    return rooms_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> rooms_{0};
};

// Owns the shards, and posts mail to them for threads that are not reactors.
class Hub {
 public:
  static constexpr std::uint32_t kMaxShards = 64;  // one bit each in a gate's set of waiters

  // Makes one shard for each waker. The wakers must outlive the hub.
  Hub(const std::vector<Waker*>& wakers, const Shard::Options& options);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Any thread may call all methods. If memory runs out, they throw std::bad_alloc and have
  // posted nothing, except that command() may have reached some shards.
  [[nodiscard]] std::uint32_t shard_count() const noexcept {
    return static_cast<std::uint32_t>(shards_.size());
  }
  [[nodiscard]] Shard& shard(std::uint32_t index) const noexcept { return *shards_[index]; }
  // Returns the first epoch of the rooms; all others have higher ones.
  [[nodiscard]] std::uint64_t first_epoch() const noexcept { return first_epoch_; }
  // Returns the number of rooms of all shards.
  [[nodiscard]] std::uint32_t room_count() const noexcept { return rooms_.value(); }
  // Returns the index of the home shard, which orders the room's messages.
  [[nodiscard]] std::uint32_t home_of(std::string_view room) const noexcept;

  // For threads that are not reactors. Each call posts mail to a shard and returns. If the gate of
  // the shard has reached its limit, the call returns kCongested and has posted nothing. close() is
  // never refused: one for each connection may wait. Calls for a connection that has ended do
  // nothing. A publish takes effect before a later join or leave of the same thread, but not after
  // an earlier one, which goes by way of the member's shard.
  [[nodiscard]] SendResult publish(std::string_view room, SharedBytes frame,
                                   std::unique_ptr<RoomStateCallback> receipt = nullptr,
                                   std::unique_ptr<PublishKey> key = nullptr,
                                   ConnectionId except = 0) const;
  [[nodiscard]] SendResult query(std::string_view room,
                                 std::unique_ptr<RoomStateCallback> listener) const;
  [[nodiscard]] SendResult members(std::string_view room, MembersQuery query,
                                   std::unique_ptr<MembersCallback> callback) const;
  // Removes one message from the room's history, or all of them.
  [[nodiscard]] SendResult remove(std::string_view room, const std::optional<Position>& message,
                                  std::unique_ptr<RemovalCallback> done) const;
  [[nodiscard]] SendResult send(ConnectionId member, SharedBytes frame) const;
  void close(ConnectionId member, CloseCode code, std::string_view reason) const;
  [[nodiscard]] SendResult join(ConnectionId member, std::string_view room, const Since& since = {},
                                std::string_view info = {}) const;
  [[nodiscard]] SendResult leave(ConnectionId member, std::string_view room) const;
  // Posts a task to the shard of a member, or to the shard `index`. Returns kClosed if there is no
  // such shard. For reactors, too.
  [[nodiscard]] SendResult post(ConnectionId member, std::unique_ptr<MemberTask> task) const;
  [[nodiscard]] SendResult post(std::uint32_t index, std::unique_ptr<ShardTask> task) const;
  // Posts `query` to one shard. The answer may never come, because a shard whose reactor has ended
  // handles no mail.
  [[nodiscard]] SendResult query(std::uint32_t index, std::shared_ptr<ShardQuery> query) const;
  // Posts the command bits to every shard.
  void command(std::uint32_t commands) const;

  // For OwnedRooms.
  [[nodiscard]] RoomCount& rooms() noexcept { return rooms_; }

 private:
  template <class Body>
  [[nodiscard]] SendResult post_to(std::uint32_t index, GateKind gate, std::size_t bytes,
                                   Body body) const;
  [[nodiscard]] SendResult change(ConnectionId member, std::string_view room, bool join,
                                  const Since& since, std::string_view info) const;

  const std::uint64_t first_epoch_;
  RoomCount rooms_;  // before shards_, which refer to it
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace wsd::hub
