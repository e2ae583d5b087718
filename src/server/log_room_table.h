// The rooms that the history log knows, and the messages of them that are live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/log_batch.h"
#include "engine/recovered_log.h"
#include "wsd/position.h"

namespace wsd::server {

// A room, as the history log sees it. A message is live if a restart needs it.
class LogRoom {
 public:
  explicit LogRoom(std::string_view name) : name_(name) {}

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t epoch() const noexcept {
    return epochs_.empty() ? 0 : epochs_.back().epoch;
  }
  // Returns up to which number messages of earlier epochs are part of the history.
  [[nodiscard]] std::uint64_t from() const noexcept {
    return epochs_.empty() ? 0 : epochs_.back().from;
  }
  [[nodiscard]] std::uint64_t oldest() const noexcept { return oldest_; }
  [[nodiscard]] std::uint64_t last() const noexcept { return last_; }
  // Returns whether oldest() is known. Otherwise no message is live.
  [[nodiscard]] bool keeps_messages() const noexcept { return oldest_ != kNone; }
  // Returns whether a record of the message is needed by a restart.
  [[nodiscard]] bool is_live(std::uint64_t epoch, std::uint64_t seq) const noexcept;
  [[nodiscard]] bool is_removed(std::uint64_t seq) const noexcept;

  // Returns the oldest message that a restart needs. Messages that are not known are to come.
  [[nodiscard]] std::uint64_t kept_from() const noexcept {
    return keeps_messages() ? oldest_ : last_ + 1;
  }

  // The segment in which the room was last declared, and its number there. 0: in none.
  std::uint64_t declared_in = 0;
  std::uint32_t number = 0;
  // A restart finds at least this kept_from(). 0: not known.
  std::uint64_t logged_kept_from = 0;
  bool is_logged = false;  // the log may have a record of the room

 private:
  friend class LogRoomTable;

  // Of no message that is known: none is live.
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  const std::string name_;
  // In ascending order. Records of an epoch are valid up to the lowest `from` of the later ones.
  // Epochs of which no record can be live are left out.
  std::vector<engine::RecoveredEpoch> epochs_;
  std::vector<std::uint64_t> removed_;  // of the live messages, in ascending order
  std::uint64_t oldest_ = kNone;
  std::uint64_t last_ = 0;
  std::uint64_t mean_bytes_ = 0;  // of its records
  std::uint64_t live_bytes_ = 0;
  // The group that has changed the room last, and the values before it.
  std::uint64_t group_ = 0;
  std::uint64_t oldest_before_ = kNone;
  std::uint64_t last_before_ = 0;
};

// Finds rooms by the numbers that the shards gave them, and by name. Not thread-safe.
class LogRoomTable {
 public:
  // Remembers the facts that a recovery has found of a room, until the first declare() of the room.
  void restore(const engine::RecoveredRoom& room);
  // Returns the rooms of restore() that were not declared and have messages in the log, as rooms
  // that have ended, and forgets all that restore() has remembered. Throws std::bad_alloc.
  [[nodiscard]] std::vector<std::unique_ptr<LogRoom>> take_left_out();

  // From now on, `number` stands for the room. Its last message is `last`, and earlier epochs are
  // valid up to `from`. Throws std::bad_alloc.
  LogRoom& declare(std::uint32_t shard, engine::RoomNumber number, std::string_view name,
                   const Position& last, std::uint64_t from);
  // Returns the room, which keeps no message any more, or nullptr if no room has that number.
  std::unique_ptr<LogRoom> end(std::uint32_t shard, engine::RoomNumber number) noexcept;
  // Returns nullptr if no room has that number.
  [[nodiscard]] LogRoom* at(std::uint32_t shard, engine::RoomNumber number) const noexcept {
    if (shard >= shards_.size() || number >= shards_[shard].size()) return nullptr;
    return shards_[shard][number].get();
  }
  [[nodiscard]] LogRoom* find(std::string_view name) const noexcept;

  // The room keeps its messages from `oldest` on.
  void keep_from(LogRoom& room, std::uint64_t oldest) noexcept;
  // A record of `bytes` bytes has the message `seq`, and the room keeps those from `oldest` on.
  void add(LogRoom& room, std::uint64_t seq, std::uint64_t oldest, std::size_t bytes) noexcept;
  // The message was removed, or all messages up to it. Throws std::bad_alloc.
  void remove(LogRoom& room, std::uint64_t seq, bool all_before);

  // Begins a group. undo_group() forgets what keep_from() and add() have done since, for all rooms.
  void begin_group() noexcept { ++group_; }
  void undo_group() noexcept;
  // The log may lack the latest declarations: resets `logged_kept_from` of all rooms.
  void forget_logged() noexcept;

  // Returns an estimate of the bytes of all live records.
  [[nodiscard]] std::uint64_t live_bytes() const noexcept { return live_bytes_; }
  [[nodiscard]] std::size_t rooms() const noexcept { return by_name_.size(); }

 private:
  struct Restored {
    std::vector<engine::RecoveredEpoch> epochs;
    std::vector<std::uint64_t> removed;
    std::uint64_t last = 0;
    std::uint64_t mean_bytes = 0;
    bool has_messages = false;
  };

  void remember(LogRoom& room) const noexcept;
  void estimate(LogRoom& room) noexcept;
  static void forget_dead(LogRoom& room) noexcept;
  void take_restored(LogRoom& room);

  std::vector<std::vector<std::unique_ptr<LogRoom>>> shards_;
  std::unordered_map<std::string_view, LogRoom*> by_name_;  // the keys are the rooms' names
  std::unordered_map<std::string, Restored> restored_;
  std::uint64_t live_bytes_ = 0;
  std::uint64_t group_ = 1;
};

}  // namespace wsd::server
