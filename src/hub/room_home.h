// The home side of a room: its order, and which shards have members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "hub/member.h"
#include "hub/room_config.h"
#include "hub/room_history.h"
#include "wsd/position.h"

namespace wsd::hub {

// Gives out the places of one room.
class Sequencer {
 public:
  explicit Sequencer(std::uint64_t epoch) noexcept : last_{epoch, 0} {}
  Position next() noexcept {
    ++last_.seq;
    return last_;
  }
  [[nodiscard]] Position last() const noexcept { return last_; }

 private:
  Position last_;
};

class RoomHome;

// Told when some of a room's history may have aged.
class HistoryExpiryListener {
 public:
  virtual void on_history_due(RoomHome& home, Tick now) = 0;

 protected:
  ~HistoryExpiryListener() = default;
};

// A room's history and the timer that stands for its oldest message.
class TimedHistory final : public Scheduled {
 public:
  TimedHistory(HistoryExpiryListener& keeper, RoomHome& home, const HistoryLimits& limits,
               std::size_t& total) noexcept
      : ring(limits, total), keeper_(keeper), home_(home) {}
  void on_deadline(Tick now) override { keeper_.on_history_due(home_, now); }

  RoomHistory ring;

 private:
  HistoryExpiryListener& keeper_;
  RoomHome& home_;
};

// What a joiner has missed.
struct Missed {
  std::size_t count = 0;  // the last ones of the history
  bool gap = false;       // there was more
};

// Home shard's thread only.
class RoomHome {
 public:
  // `terms` outlive it.
  RoomHome(std::string_view name, std::uint64_t epoch, const RoomConfig& config)
      : name_(name), config_(config), sequencer_(epoch) {}
  RoomHome(const RoomHome&) = delete;
  RoomHome& operator=(const RoomHome&) = delete;

  struct ShardCount {
    std::uint32_t shard = 0;
    std::uint32_t members = 0;
  };

  // Where memory runs out (std::bad_alloc) nothing has changed; likewise in append().
  void add(std::uint32_t shard, Encoding encoding = kIdentity);
  // The shard must have a member of that encoding.
  void remove(std::uint32_t shard, Encoding encoding = kIdentity) noexcept;
  // Shards with members.
  [[nodiscard]] const std::vector<ShardCount>& shards() const noexcept { return shards_; }
  [[nodiscard]] bool has_members() const noexcept { return !shards_.empty(); }
  // Encodings that some member wants, kIdentity left out.
  [[nodiscard]] std::span<const Encoding> encodings() const noexcept { return encodings_; }

  [[nodiscard]] std::size_t member_count() const noexcept;

  // Keeps a history from now on. Everything outlives the room.
  void keep_history(HistoryExpiryListener& keeper, std::size_t& total);
  // nullptr when it keeps none.
  [[nodiscard]] TimedHistory* history() const noexcept { return history_.get(); }
  [[nodiscard]] bool has_history() const noexcept {
    return history_ != nullptr && !history_->ring.empty();
  }
  // What of the messages so far a joiner has missed, by what is kept at `now`.
  [[nodiscard]] Missed missed(const Since& since, Tick now) noexcept;

  // Gives the frame its place and keeps it for the next batch, and in the history. `counted`: it
  // has been counted into the shard's gate and leaves it with the batch.
  Position append(SharedBytes frame, bool counted, Tick now = 0);
  [[nodiscard]] bool has_pending() const noexcept { return !pending_.empty(); }
  // What the next batch is made of; nothing is pending afterwards.
  [[nodiscard]] std::vector<SharedBytes> take_pending() noexcept;
  // What was taken and could not be sent is pending again.
  void put_back(std::vector<SharedBytes>&& frames) noexcept;
  // How many of the frames pending were counted; zero afterwards.
  [[nodiscard]] std::uint32_t take_counted() noexcept;

  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] const RoomConfig& config() const noexcept { return config_; }
  [[nodiscard]] Position last() const noexcept { return sequencer_.last(); }

  // Whether the shard has this room on its list of rooms to fan out; the shard's own note.
  bool fan_out_queued = false;
  // Whether there were too many rooms before it: until some end, its joiners are refused, and are
  // its members only until they have been told so.
  bool over_limit = false;
  // Likewise: when the first of the messages that are pending got its place.
  std::uint64_t first_pending_ns = 0;

 private:
  std::string name_;
  const RoomConfig& config_;
  Sequencer sequencer_;
  std::vector<ShardCount> shards_;
  std::vector<Encoding> encodings_;
  std::vector<std::uint32_t> encoding_members_;  // how many want each of encodings_
  std::vector<SharedBytes> pending_;
  std::uint32_t pending_counted_ = 0;
  std::unique_ptr<TimedHistory> history_;
};

// Calls home->append(). The shard orders every message of a room through this function. It has a C
// name, so that the simulation can observe the order by the linker's --wrap.
extern "C" void wsd_append_to_room(RoomHome* home, SharedBytes* frame, bool counted, Tick now);

}  // namespace wsd::hub
