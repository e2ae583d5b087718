// One reactor's part of the hub: its members, its timers, its rooms, and the rooms it is home to.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/name_hash.h"
#include "base/shared_bytes.h"
#include "hub/flow_gate.h"
#include "hub/mail.h"
#include "hub/mailbox.h"
#include "hub/member.h"
#include "hub/room_config.h"
#include "hub/room_home.h"
#include "hub/room_table.h"
#include "hub/shard_stats.h"
#include "hub/timer_wheel.h"

namespace wsd::hub {

class Hub;

// Ends a shard's sleep. Any thread.
class Waker {
 public:
  virtual void wake() noexcept = 0;

 protected:
  ~Waker() = default;
};

enum class PublishOutcome : std::uint8_t {
  kAccepted,
  kCongested,  // accepted too; but leave who published unread until take_resumed() says so
};

// Touched by its reactor's thread only, but for post(), the gates, stats() and index().
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): mailbox and gates stand apart
class Shard final : private HistoryExpiryListener {
 public:
  struct Options {
    std::uint32_t max_pending_publishes = 65'536;  // bound of each gate
    std::uint64_t first_epoch = 1;                 // of the rooms that have their home here
    std::uint32_t max_rooms_per_member = 0;        // 0: unlimited
    std::uint32_t max_rooms = 0;                   // at home on all shards; 0: unlimited
    HistoryLimits history = {};
    std::vector<RoomConfigRule> rooms = {};  // where it is different: the first that fits a name
  };

  // `hub` and `waker` outlive the shard's last post().
  Shard(Hub& hub, std::uint32_t index, const Options& options, Waker& waker);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  // Of the hub, this one included.
  [[nodiscard]] std::uint32_t shard_count() const noexcept;

  // Members. An id is used once; the member must be removed before it dies. remove() leaves all
  // rooms. Neither may be called from within deliver().
  ConnectionId add(Member& member);
  void remove(Member& member);
  [[nodiscard]] Member* find(ConnectionId id) const noexcept;
  [[nodiscard]] std::size_t member_count() const noexcept { return member_count_; }
  // Calls `visit` with every member, in no promised order. It may neither add nor remove any.
  template <class Visit>
  void for_each_member(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.taken()) visit(*slot.member());
    }
  }

  // Rooms. None of these may be called from within deliver(). Where memory runs out
  // (std::bad_alloc) nothing has changed, but that leave_all() may have left some of them. A join
  // over a limit ends in Member::join_refused(), within the call or when the home has answered, and
  // replays nothing.
  void join(Member& member, std::string_view room, const Since& since = {});
  void leave(Member& member, std::string_view room);
  void leave_all(Member& member);
  // `receipt` is told the room's state when the message has its place.
  PublishOutcome publish(std::string_view room, SharedBytes frame,
                         std::unique_ptr<RoomStateCallback> receipt = nullptr);
  void query(std::string_view room, std::unique_ptr<RoomStateCallback> listener);
  // To a member of another shard.
  PublishOutcome send_away(ConnectionId member, SharedBytes frame);

  // The turn: first of all, when it began. drain() takes the mailbox; fan_out() sends what rooms
  // have pending as one batch each. What memory is lacking for waits, in its order, and is tried
  // again in a later turn.
  void begin_turn(Tick now, std::uint64_t now_ns) noexcept {
    now_ = now;
    now_ns_ = now_ns;
  }
  void drain() noexcept;
  void fan_out() noexcept;
  // Whether fan_out() would send something.
  [[nodiscard]] bool has_to_fan_out() const noexcept { return !fan_out_queue_.empty(); }
  // What this turn's batches were made of.
  [[nodiscard]] PlacedTimes& placed_times() noexcept { return placed_times_; }
  // Whether there is work for a next turn that no mail announces: rooms to fan out, or publishers
  // to read again since this shard's own gate opened at the end of this one.
  [[nodiscard]] bool has_pending() const noexcept {
    return (!fan_out_queue_.empty() || publishers_resumed_) && !retry_needed_;
  }
  // Whether work waits for memory: worth another try a tick later.
  [[nodiscard]] bool retry_needed() const noexcept { return retry_needed_; }
  // Before sleeping: false when there is mail.
  [[nodiscard]] bool arm() noexcept { return mailbox_.arm(); }
  // Whether publishers that were left unread may be read again; says so once.
  [[nodiscard]] bool take_resumed() noexcept;
  // Commands since the last call, as bits.
  [[nodiscard]] std::uint32_t take_commands() noexcept;

  [[nodiscard]] TimerWheel& wheel() noexcept { return wheel_; }
  // Makes the encodings for rooms at home here. Outlives the shard's last turn.
  void set_encoder(Encoder* encoder) noexcept { encoder_ = encoder; }

  // Any thread. Takes the mail over and wakes the shard if it sleeps.
  void post(std::unique_ptr<Mail> mail) noexcept;
  // What waits for this shard: publishes to rooms at home here and messages to single members; and
  // what homes elsewhere send to members here.
  [[nodiscard]] FlowGate& publish_gate() noexcept { return publish_gate_; }
  [[nodiscard]] FlowGate& deliver_gate() noexcept { return deliver_gate_; }

  [[nodiscard]] const ShardStats& stats() const noexcept { return stats_; }

  // Rooms at home here and rooms with members here.
  [[nodiscard]] std::size_t home_count() const noexcept { return homes_.size(); }
  // Calls `visit` with every room at home here.
  template <class Visit>
  void for_each_home(Visit visit) const {
    for (const auto& [name, home] : homes_) visit(*home);
  }
  [[nodiscard]] std::size_t room_count() const noexcept { return rooms_.size(); }
  // What the histories of rooms at home here count.
  [[nodiscard]] std::size_t history_bytes() const noexcept { return history_bytes_; }

 private:
  // A place in the table of members: the address of one, or, while it is free, the generation that
  // its last member had and the next free place.
  class Slot {
   public:
    explicit Slot(Member& member) noexcept : word_(std::bit_cast<std::uintptr_t>(&member)) {}

    [[nodiscard]] bool taken() const noexcept { return (word_ & 1) == 0; }
    [[nodiscard]] Member* member() const noexcept { return std::bit_cast<Member*>(word_); }
    [[nodiscard]] std::uint32_t generation() const noexcept {
      return static_cast<std::uint32_t>(word_ >> 32);
    }
    [[nodiscard]] std::uint32_t next_free() const noexcept {
      return static_cast<std::uint32_t>(word_) >> 1;
    }
    void free(std::uint32_t generation, std::uint32_t next_free) noexcept {
      word_ = std::uint64_t{generation} << 32 | next_free << 1 | 1;
    }

   private:
    std::uint64_t word_;
  };
  using Homes =
      std::unordered_map<std::string, std::unique_ptr<RoomHome>, NameHash, std::equal_to<>>;

  void handle(JoinMail& mail);
  void handle(LeaveMail& mail);
  void handle(PublishMail& mail);
  void handle(JoinedMail& mail);
  void handle(DeliverMail& mail);
  void handle(ResumeMail& mail);
  void handle(SendMail& mail);
  void handle(CloseMail& mail);
  void handle(MembershipMail& mail);
  void handle(CommandMail& mail);
  void handle(QueryMail& mail);
  void handle(RoomStateMail& mail);
  void handle(MemberTaskMail& mail);

  // What a joiner is told: that it has joined only to leave again, or what it has missed.
  struct JoinAnswer {
    std::unique_ptr<const Batch> replay;  // null: nothing
    bool refused = false;
  };
  [[nodiscard]] JoinAnswer home_join(std::string_view room, std::uint32_t shard, Encoding encoding,
                                     const Since& since);
  [[nodiscard]] bool over_room_limit(RoomHome& home) const noexcept;
  [[nodiscard]] bool may_found(std::string_view room) const noexcept;
  [[nodiscard]] bool may_keep(RoomHome& home) const noexcept;
  void erase_home(Homes::iterator home) noexcept;
  void refuse(Member& member, std::string_view room);
  void hand_over(Member& member, const Batch& missed);
  void home_leave(std::string_view room, std::uint32_t shard, Encoding encoding);
  void home_publish(std::string_view room, SharedBytes frame, bool counted,
                    RoomStateCallback* receipt);
  [[nodiscard]] RoomState home_state(std::string_view room) const;
  [[nodiscard]] std::unique_ptr<const Batch> replay(RoomHome& home, const Since& since,
                                                    Encoding encoding);
  [[nodiscard]] Homes::iterator new_home(std::string_view room);
  void drop_if_unused(const RoomHome& home) noexcept;
  void await_history(RoomHome& home) noexcept;
  void on_history_due(RoomHome& home, Tick now) override;
  void list(RoomHome& home) noexcept;
  bool handle_all(Mail* mail) noexcept;
  [[nodiscard]] bool blocked(const RoomHome& home) const noexcept;
  void send_batch(RoomHome& home);
  void deliver_locally(std::string_view room, const BatchSet& batch);
  void open_gate(std::uint64_t waiters, ResumeMail::Gate gate) noexcept;

  Hub& hub_;
  const std::uint32_t index_;
  Waker& waker_;
  TimerWheel wheel_;
  Encoder* encoder_ = nullptr;
  std::vector<Slot> slots_;
  std::uint32_t first_free_;  // the chain of free slots
  std::size_t member_count_ = 0;
  RoomTable rooms_;
  std::uint32_t last_token_ = 0;

  const RoomConfigTable rules_;
  std::size_t history_bytes_ = 0;
  Tick now_ = 0;
  Homes homes_;
  std::uint64_t next_epoch_;
  const std::uint32_t max_rooms_per_member_;
  const std::uint32_t max_rooms_;
  // A home is in one of these at most, and each has capacity for all homes.
  std::vector<RoomHome*> fan_out_queue_;  // with messages pending, to be sent by fan_out()
  std::vector<RoomHome*> blocked_rooms_;  // the same, waiting for a target's gate
  std::vector<RoomHome*> fan_out_batch_;  // fan_out()'s own, empty between its calls
  std::uint64_t blocked_targets_ = 0;     // shards whose deliver gate this shard waits at

  // What memory was lacking for.
  Mail* backlog_ = nullptr;  // taken from the mailbox and not handled yet
  std::array<std::uint64_t, 2> unsent_resumes_ =
      {};  // by gate: shards to be told that it has opened
  bool retry_needed_ = false;

  bool publishers_resumed_ = false;
  std::uint32_t commands_ = 0;

  std::uint64_t now_ns_ = 0;
  ShardStats stats_;
  PlacedTimes placed_times_;

  Mailbox<Mail> mailbox_;
  FlowGate publish_gate_;
  FlowGate deliver_gate_;
};

}  // namespace wsd::hub
