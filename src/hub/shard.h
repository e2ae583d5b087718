// One reactor's part of the hub: its mail, its flow gates, and the fan-out of its rooms.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "hub/close_requests.h"
#include "hub/fan_out_gate.h"
#include "hub/flow_gate.h"
#include "hub/mail.h"
#include "hub/mail_cost.h"
#include "hub/mail_queue.h"
#include "hub/mailbox.h"
#include "hub/member.h"
#include "hub/member_table.h"
#include "hub/order_engine.h"
#include "hub/owned_rooms.h"
#include "hub/presence.h"
#include "hub/publish_keys.h"
#include "hub/room_config.h"
#include "hub/room_engine.h"
#include "hub/room_table.h"
#include "hub/shard_stats.h"
#include "hub/timer_wheel.h"
#include "hub/waiting_mail.h"

namespace wsd::hub {

class Hub;

// Wakes the thread of a shard.
class Waker {
 public:
  // Any thread.
  virtual void wake() noexcept = 0;

 protected:
  ~Waker() = default;
};

// The outcome of a publish, and of every other call that may send mail to another shard.
enum class PublishOutcome : std::uint8_t {
  kAccepted,
  kCongested,  // also accepted, but do not read from its cause until take_resumed() is true
};

// Sends mail to other shards and handles its own, delivers to its members, and limits the mail that
// waits. The rooms that have their home here are decided by OwnedRooms; the shard carries out its
// decisions.
//
// Reactor thread only, except for post(), the gates, stats() and index().
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): mailbox and gates have own cache lines
class Shard final : private RoomSink, private OrderSink, private PresenceSink {
 public:
  struct Options {
    std::uint32_t max_pending_publishes = 65'536;  // limit of each gate, at least 1
    std::uint64_t first_epoch = 1;                 // of the rooms that have their home here
    std::uint32_t max_rooms_per_member = 0;        // 0: unlimited
    std::uint32_t max_rooms = 0;                   // on all shards; 0: unlimited
    HistoryLimits history = {};
    std::vector<RoomConfigRule> rooms = {};  // the first rule that matches a name overrides history
    std::uint64_t max_pending_bytes = std::uint64_t{64} << 20;  // limit of each gate, at least 1
    std::uint64_t window_ns = 0;                                // see RoomConfig
    // The least members on another shard for which a room's batch waits (shard_pace.cc). For fewer,
    // an additional turn would cost more than it can save.
    std::uint32_t paced_members = 16;
    bool presence = false;   // see RoomConfig
    std::uint64_t node = 0;  // the number of this server in the ids of members
  };

  // `hub` and `waker` must outlive the last post().
  Shard(Hub& hub, std::uint32_t index, const Options& options, Waker& waker);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  // Returns the number of shards of the hub, including this one.
  [[nodiscard]] std::uint32_t shard_count() const noexcept;

  // Members. add() sets and returns a new id; no id is given out twice. remove() leaves all rooms
  // and cancels the timer; call it before you destroy the member. Do not call either from
  // deliver().
  ConnectionId add(Member& member) { return members_.add(member); }
  void remove(Member& member);
  // Returns the member with this id, or nullptr if it was removed.
  [[nodiscard]] Member* find(ConnectionId id) const noexcept { return members_.find(id); }
  [[nodiscard]] std::size_t member_count() const noexcept { return members_.size(); }
  // Calls `visit` with each member, in an unspecified order. `visit` must not add or remove
  // members.
  template <class Visit>
  void for_each_member(Visit visit) const {
    members_.for_each(visit);
  }

  // Calls `visit` with the members of the slots from `first` on, in the order of the slots, until
  // it returns false. Looks at no more than `slots` slots. Returns the slot at which to continue,
  // or kNoMoreSlots. So a caller can visit all members in several turns. A member that stays
  // meanwhile is visited once.
  static constexpr std::size_t kNoMoreSlots = MemberTable::kNoMoreSlots;
  template <class Visit>
  std::size_t visit_members(std::size_t first, std::size_t slots, Visit visit) const {
    return members_.visit(first, slots, visit);
  }
  // Returns the room of that name, or nullptr if no member here has joined it.
  [[nodiscard]] const LocalRoom* find_room(std::string_view room) noexcept {
    return rooms_.find(room);
  }

  // Rooms. Do not call any of these from deliver(). If memory runs out, each throws std::bad_alloc
  // and has changed nothing, except that leave_all() may have left some rooms.
  //
  // For each room, the calls of this thread take effect in their order.
  //
  // Joins the room and replays the messages since `since`. Does nothing if the member may not join
  // or has joined already. If a limit is exceeded, the join ends in Member::join_refused(), during
  // the call or when the home shard has answered. Then nothing is replayed.
  // `info` is for presence; rooms without it ignore it.
  PublishOutcome join(Member& member, std::string_view room, const Since& since = {},
                      std::string_view info = {});
  // Leaves the room. The member still gets the messages that precede its leave in the room's order.
  // Does nothing if the member has not joined the room.
  PublishOutcome leave(Member& member, std::string_view room);
  // Leaves all rooms. The member gets no further message.
  void leave_all(Member& member);
  // Publishes `frame`. The home shard calls `receipt` with the room's state, once the message has a
  // position or was discarded. If the engine refuses the message, the receipt gets
  // kRefusedPosition, and the connection `publisher` ends with kPublishRefused. The member `except`
  // does not get the message, unless a later join replays it. 0: all members get it.
  PublishOutcome publish(std::string_view room, SharedBytes frame,
                         std::unique_ptr<RoomStateCallback> receipt = nullptr,
                         ConnectionId publisher = kNoPublisher, ConnectionId except = 0);
  // Publishes `frame`, unless the room had a message with this key within kPublishKeyMs. The
  // receipt gets the position of that message, or kKeyUsedPosition if its fingerprint differs.
  PublishOutcome publish_once(std::string_view room, SharedBytes frame,
                              std::unique_ptr<PublishKey> key,
                              std::unique_ptr<RoomStateCallback> receipt);
  // Calls `listener` with the room's state on the home shard's thread. With an order engine, that
  // happens when other nodes have told theirs, and the query does not wait in the room's order.
  PublishOutcome query(std::string_view room, std::unique_ptr<RoomStateCallback> listener);
  // Calls `callback` with a page of the room's members on the home shard's thread, in the room's
  // order.
  PublishOutcome members(std::string_view room, MembersQuery query,
                         std::unique_ptr<MembersCallback> callback);
  // Returns that page for the members of this node. The room's home must be here.
  [[nodiscard]] RoomMembers members_here(std::string_view room, const MembersQuery& query) const;
  // Sends `frame` to a member of another shard.
  PublishOutcome send_away(ConnectionId member, SharedBytes frame);
  // Makes a member of another shard join or leave a room.
  PublishOutcome join_away(ConnectionId member, std::string_view room, const Since& since,
                           std::string_view info = {});
  PublishOutcome leave_away(ConnectionId member, std::string_view room);

  // The turn. Call begin_turn() first. drain() handles the mailbox. fan_out() sends the pending
  // messages of each room as one batch, and handles mail whose gate has opened. Work for which
  // memory runs out waits in order, and a later turn tries it again.
  void begin_turn(Tick now, std::uint64_t now_ns) noexcept { owned_rooms_.begin_turn(now, now_ns); }
  void drain() noexcept;
  void fan_out() noexcept;
  // Lets a room's batch wait for the members of other shards, see shard_pace.cc. Call this before
  // the first turn of any shard, and end_turn() after the sends of each turn.
  void expect_end_turns() noexcept { ends_turns_ = true; }
  void end_turn() noexcept { awaited_ = std::exchange(handled_, 0); }
  // Returns when the next turn must begin at the latest, in the time of begin_turn(). Returns
  // kNeverPaced if no room waits for the members of another shard.
  static constexpr std::uint64_t kNeverPaced = ~std::uint64_t{0};
  [[nodiscard]] std::uint64_t paced_until_ns() const noexcept { return paced_until_ns_; }
  // Frees the names of rooms that all members here have left. Call it when no handler runs.
  void free_names() noexcept { rooms_.free_names(); }
  // Returns whether fan_out() would do something.
  [[nodiscard]] bool has_to_fan_out() const noexcept {
    return has_due() || paced_until_ns_ != kNeverPaced;
  }
  // Returns when the next delivery window of a room ends, in the time of begin_turn(), or
  // DeliveryWindows::kNever. A turn must then begin.
  [[nodiscard]] std::uint64_t next_window_end_ns() const noexcept {
    return owned_rooms_.windows().next_end_ns();
  }
  // Returns the longest delivery window of a room. 0: messages wait for no window.
  [[nodiscard]] std::uint64_t longest_window_ns() const noexcept {
    return owned_rooms_.windows().longest_ns();
  }
  // Ends all delivery windows and waits for other shards. From here on, messages leave in the turn
  // in which they get their positions.
  void close_windows() noexcept {
    owned_rooms_.close_windows();
    ends_turns_ = false;
  }
  // Returns the times from which the latency of this turn's batches is measured.
  [[nodiscard]] PlacedTimes& placed_times() noexcept { return placed_times_; }
  // Returns whether the next turn has work that no mail announces. That is a room to fan out, or
  // publishers to resume because this shard's own gate opened at the end of the turn.
  [[nodiscard]] bool has_pending() const noexcept {
    return (has_due() || publishers_resumed_ || awaited_ != 0 ||
            (has_engine_ && engine_has_to_send())) &&
           !retry_needed_;
  }
  // Returns whether work waits for memory. Try it again one tick later.
  [[nodiscard]] bool retry_needed() const noexcept { return retry_needed_; }
  // Call this before sleeping. Returns false if mail waits.
  [[nodiscard]] bool arm() noexcept { return mailbox_.arm(); }
  // Returns once whether paused publishers may be read again.
  [[nodiscard]] bool take_resumed() noexcept;
  // Returns the commands since the last call, as bits.
  [[nodiscard]] std::uint32_t take_commands() noexcept;

  [[nodiscard]] TimerWheel& wheel() noexcept { return wheel_; }
  // Sets the encoder for rooms whose home is here. It must outlive the shard's last turn.
  void set_encoder(Encoder* encoder) noexcept { owned_rooms_.set_encoder(encoder); }
  // Sets the encoder for the presence of rooms whose home is here, under the same terms.
  void set_presence_encoder(PresenceEncoder* encoder) noexcept;
  // Sets the engine that keeps the messages of rooms with a history, before the first turn. It must
  // outlive the shard's last turn, and answers through sink().
  void set_engine(RoomEngine* engine) noexcept;
  [[nodiscard]] RoomSink& sink() noexcept { return *this; }
  // Sets the engine that orders the messages of all rooms, instead of set_engine(), under the same
  // terms. It answers through order_sink().
  void set_order_engine(OrderEngine* engine) noexcept;
  [[nodiscard]] OrderSink& order_sink() noexcept { return *this; }
  // Gives a room whose home is here what it had before the server started, as
  // OwnedRooms::restore().
  [[nodiscard]] RoomHome* restore(std::string_view room, const Position& last,
                                  std::span<const RestoredMessage> messages) {
    return owned_rooms_.restore(room, last, messages);
  }
  // Returns an epoch that no room whose home is here has had.
  [[nodiscard]] std::uint64_t new_epoch() noexcept { return owned_rooms_.new_epoch(); }

  // Any thread. Wakes the thread of another shard, without mail.
  void wake(std::uint32_t index) const noexcept;
  // Any thread. Takes the mail and wakes the shard if it sleeps. The caller has counted the mail at
  // its gate, or the mail is bounded in another way; see mail.h.
  void post(std::unique_ptr<Mail> mail) noexcept;
  // Any thread. Posts mail to another shard, as post() does.
  void post_to(std::uint32_t index, std::unique_ptr<Mail> mail) const noexcept;
  // For threads that are not reactors, and for tasks of any thread. Counts the mail at that gate
  // and posts it. Returns false, and posts nothing, if the gate has reached its limit.
  [[nodiscard]] bool try_post(GateKind gate, std::unique_ptr<Mail> mail, std::uint64_t bytes);
  // Any thread. Posts the mail, unless a close of the same connection waits. Throws std::bad_alloc
  // if memory runs out; then nothing has changed.
  void post_close(CloseMail close);
  // Any thread. The publish gate limits the mail to rooms whose home is here, and messages to
  // single members. The deliver gate limits the messages and answers that other home shards send to
  // members here. The request gate limits the joins, leaves and queries that other threads request
  // here. `kind` must not be kFanOut.
  [[nodiscard]] FlowGate& gate(GateKind kind) noexcept {
    return gates_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] FlowGate& publish_gate() noexcept { return gate(GateKind::kPublish); }
  [[nodiscard]] FlowGate& deliver_gate() noexcept { return gate(GateKind::kDeliver); }
  [[nodiscard]] FlowGate& request_gate() noexcept { return gate(GateKind::kRequest); }
  // Any thread. The costs of mail, which are equal for all shards.
  [[nodiscard]] const MailCost& costs() const noexcept { return costs_; }

  // Any thread.
  [[nodiscard]] const ShardStats& stats() const noexcept { return stats_; }

  // Returns the number of rooms whose home is here.
  [[nodiscard]] std::size_t home_count() const noexcept { return owned_rooms_.size(); }
  // Calls `visit` with each room whose home is here.
  template <class Visit>
  void for_each_home(Visit visit) const {
    owned_rooms_.for_each(visit);
  }
  // Returns the number of rooms that members of this shard have joined.
  [[nodiscard]] std::size_t room_count() const noexcept { return rooms_.size(); }
  // Returns the size of the histories whose home is here, as counted against the limits.
  [[nodiscard]] std::size_t history_bytes() const noexcept { return owned_rooms_.history_bytes(); }
  // Frees the space that the tables kept for more members and rooms than there are now.
  void release_unused() noexcept;

 private:
  void handle(JoinMail& mail);
  void handle(LeaveMail& mail);
  void handle(PublishMail& mail);
  void handle(JoinedMail& mail);
  void handle(LeftMail& mail);
  void handle(DeliverMail& mail);
  void handle(ResumeMail& mail);
  void handle(SendMail& mail);
  void handle(CloseMail& mail);
  void handle(MembershipMail& mail);
  void handle(CommandMail& mail);
  void handle(QueryMail& mail);
  void handle(RoomStateMail& mail);
  void handle(MemberTaskMail& mail);
  void handle(ShardTaskMail& mail);
  void handle(RemovalMail& mail);
  void handle(PlacedMail& mail);
  void handle(MembersMail& mail);
  void handle_placed(Mail& mail);

  // Mail
  void handle(Mail& mail);
  [[nodiscard]] bool handle_waiting(RoomLine& line, Mail& mail) noexcept;
  bool handle_all(Mail* mail) noexcept;
  [[nodiscard]] bool gate_is_closed_for(const Mail& mail) const noexcept;
  // Returns whether any mail may have to wait.
  [[nodiscard]] bool may_wait() const noexcept {
    return (blocked_targets_ | congested_homes_) != 0 || has_engine_ || !waiting_.empty() ||
           !waiting_requests_.empty();
  }
  [[nodiscard]] RoomLine* line_for(Mail& mail);
  [[nodiscard]] bool request_waits(const Mail& mail) const noexcept;
  [[nodiscard]] PublishOutcome publish_by_mail(std::uint32_t home, std::string_view room,
                                               SharedBytes frame,
                                               std::unique_ptr<RoomStateCallback> receipt,
                                               ConnectionId publisher,
                                               std::unique_ptr<PublishKey> key = nullptr,
                                               ConnectionId except = 0);
  [[nodiscard]] PublishOutcome send_home(std::uint32_t home, std::string_view room,
                                         std::size_t payload, std::unique_ptr<Mail> mail);
  [[nodiscard]] bool enter_publish_gate(Shard& home, std::uint64_t cost) noexcept;
  void post_to_members(std::uint32_t shard, std::unique_ptr<Mail> mail) noexcept;
  void answer(std::uint32_t shard, std::unique_ptr<Mail> mail, std::size_t bytes);
  void run_waiting() noexcept;
  PublishOutcome change_away(ConnectionId member, std::string_view room, bool join,
                             const Since& since, std::string_view info);

  // The engine (shard_engine.cc)
  void kept(Ticket ticket) noexcept override;
  void lost(EngineTerm term) noexcept override;
  [[nodiscard]] bool goes_to_engine(Mail& mail) noexcept;
  [[nodiscard]] bool is_with_engine(const Mail& mail) const noexcept;
  void push(RoomLine& line, std::unique_ptr<Mail> mail) noexcept;
  void hand_to_engine(RoomLine& line, Mail& mail);
  void hand_to_engine(RoomLine& line, PublishMail& mail);
  void hand_to_engine(RoomLine& line, RemovalMail& mail);
  void lose(RoomLine& line, EngineTerm term) noexcept;
  void answer_unplaced(PublishMail& mail);
  void refuse(PublishMail& mail);
  [[nodiscard]] bool change_is_blocked(const RoomLine& line, const Mail& mail) const noexcept;
  void change_epoch(RoomLine& line, const Mail& mail);
  void begin_epoch(RoomHome& home, const Position& last);
  [[nodiscard]] bool waits_for_engine(std::string_view room) noexcept {
    return order_ != nullptr || owned_rooms_.keeps(room);
  }
  [[nodiscard]] bool engine_has_to_send() const noexcept {
    return order_ != nullptr ? order_->has_to_send() : engine_->has_to_send();
  }

  // The order engine (shard_order.cc)
  void opened(RoomHome& home, const Position& last, std::span<const KeptMessage> kept) override;
  void placed(RoomHome& home, PublishTicket ticket, const Position& position) override;
  void failed(RoomHome& home, PublishTicket ticket, PublishFailure why) noexcept override;
  void arrived(RoomHome& home, const Position& position, SharedBytes frame, Tick at) override;
  void missed(RoomHome& home, const Position& last, bool kept_back) override;
  void lost(RoomHome& home) noexcept override;
  void repeated(RoomHome& home, PublishTicket ticket, const Position& position) noexcept override;
  void checked(RoomHome& home) noexcept override;
  void counted(CountTicket ticket, const OtherNodes& others) noexcept override;
  void listed(ListTicket ticket, RoomMembers&& others) noexcept override;
  [[nodiscard]] RoomMembers members_of(const RoomHome& home,
                                       const MembersQuery& query) const override;
  void closed(RoomHome& home, bool failed) noexcept override;
  void answer_publish(RoomHome& home, PublishTicket ticket, std::uint64_t told,
                      const Position& position) noexcept;
  void ask_others(Mail& query);
  void answer_counted() noexcept;
  void ask_for_members(Mail& mail);
  struct Listing;
  [[nodiscard]] RoomMembers members_everywhere(Listing& listing) const;
  void answer_listed() noexcept;
  void wait_for_order(RoomLine& line, Mail& mail);
  [[nodiscard]] RoomLine* order_line_for(std::string_view room, Mail& mail);
  void push_ordered(RoomLine& line, std::unique_ptr<Mail> mail) noexcept;
  void release_placed(RoomLine& line) noexcept;
  void park(RoomLine& line, Mail& mail, RoomHome* check);
  void join_or_park(RoomLine& line, Mail& mail);
  void release_parked() noexcept;
  [[nodiscard]] bool handle_ordered(RoomLine& line, Mail& mail) noexcept;
  void go_on_after(RoomHome& home, const Position& last, bool kept_back);
  void arrived_are_sent(RoomHome& home) noexcept;
  void count_arrived(std::size_t more) noexcept;
  void end_order_turn() noexcept;

  // Rooms
  struct Joiner {
    ConnectionId member = 0;
    std::uint32_t shard = 0;
    Encoding encoding = kIdentity;
    std::string_view info;
  };
  [[nodiscard]] OwnedRooms::JoinAnswer join_owned(std::string_view room, const Joiner& joiner,
                                                  const Since& since, bool engine_failed = false);
  // Presence (shard_presence.cc)
  void announce_join(std::string_view room, const Joiner& joiner);
  void leave_owned(std::string_view room, ConnectionId member, std::uint32_t shard,
                   Encoding encoding);
  void count_presence(Mail& message) noexcept override;
  void publish_presence(std::unique_ptr<Mail> message) noexcept override;
  void drop_presence(std::unique_ptr<Mail> message) noexcept override;
  void publish_owned(std::string_view room, SharedBytes frame, std::uint64_t cost,
                     RoomStateCallback* receipt, ConnectionId except);
  // Messages with keys, without an order engine (shard_keys.cc)
  void publish_keyed(std::string_view room, SharedBytes frame, std::uint64_t cost,
                     const PublishKey& key, bool reserved, RoomStateCallback* receipt);
  [[nodiscard]] PublishKeys& keys();
  [[nodiscard]] bool is_repeat(PublishMail& mail) noexcept;
  void find_answer(PublishMail& mail) noexcept;
  void leave_at_once(Member& member, std::string_view room);
  void hand_over(Member& member, const Batch& missed);
  [[nodiscard]] bool is_blocked(std::uint32_t shard) const noexcept {
    return (blocked_targets_ >> shard & 1) != 0;
  }
  [[nodiscard]] bool is_congested(std::uint32_t home) const noexcept {
    return (congested_homes_ >> home & 1) != 0;
  }
  [[nodiscard]] bool blocked(const RoomHome& home) const noexcept;
  [[nodiscard]] bool room_waits(std::string_view room) const noexcept;
  [[nodiscard]] bool has_due() const noexcept {
    return owned_rooms_.has_to_fan_out() || waiting_due_;
  }
  // The pace of fan-outs (shard_pace.cc)
  [[nodiscard]] bool count_for_pace(const RoomHome::ShardCount& target) noexcept;
  [[nodiscard]] bool must_wait(const RoomHome& home) noexcept;
  void go_on() noexcept;
  void deliver_notices(const LocalRoom& room, const BatchSet& notices);
  void deliver_with_exclusions(const LocalRoom& room, const BatchSet& batch);
  void send_pending(std::string_view room);
  void send_batch(RoomHome& home);
  void deliver_locally(std::string_view room, const BatchSet& batch);
  void leave_gate(GateKind kind, std::uint64_t cost) noexcept;
  void open_gate(std::uint64_t waiters, GateKind kind) noexcept;

  Hub& hub_;
  const std::uint32_t index_;
  Waker& waker_;
  TimerWheel wheel_;
  ShardStats stats_;
  MemberTable members_;
  RoomTable rooms_;  // the rooms that members here have joined
  OwnedRooms owned_rooms_;
  std::unique_ptr<PublishKeys> keys_;         // nullptr: no message had a key
  const std::unique_ptr<Presence> presence_;  // nullptr: no room has presence
  std::uint32_t last_token_ = 0;
  const std::uint32_t max_rooms_per_member_;
  const std::uint32_t paced_members_;
  const MailCost costs_;

  // Shards, as bits, whose gates must open first: deliver gates of targets, publish gates of home
  // shards, and request gates.
  std::uint64_t blocked_targets_ = 0;
  std::uint64_t congested_homes_ = 0;
  std::uint64_t congested_requests_ = 0;
  // The pace of fan-outs (shard_pace.cc).
  bool ends_turns_ = false;
  std::uint64_t paced_until_ns_ = kNeverPaced;
  std::uint32_t handled_ = 0;  // counted batches that this turn has handled
  std::uint32_t awaited_ = 0;  // those of the last turn, which are sent
  // Mail that waits for these gates: for rooms whose home is here, and requests.
  WaitingMail waiting_;
  MailQueue waiting_requests_;
  bool waiting_due_ = false;  // a gate has opened

  bool has_engine_ = false;  // engine_ or order_
  // The engine: the last ticket that it gave, the last one that it has kept, and its term.
  RoomEngine* engine_ = nullptr;
  Ticket given_ = 0;
  Ticket kept_ = 0;
  EngineTerm term_ = 0;
  // The order engine, and the size of the messages that have arrived from it and are not sent.
  OrderEngine* order_ = nullptr;
  std::size_t arrived_bytes_ = 0;
  bool holding_back_ = false;
  bool parked_due_ = false;  // joins of some line need not be parked any longer
  bool reopen_due_ = false;  // a room with members that the engine has closed
  // Queries with the order engine, and those that it has answered.
  std::unordered_map<CountTicket, std::unique_ptr<Mail>> counting_;
  MailQueue counted_;
  // A query for members with the order engine, and its answer.
  struct Listing {
    std::unique_ptr<Mail> query;
    std::optional<RoomMembers> others;
    // Of this node when it was asked. Later messages of other nodes may arrive before the answer is
    // given, and tell of members that the other nodes' pages do not have yet.
    Position last = {};
    bool opened = false;
  };
  std::map<ListTicket, Listing> listing_;  // so that the answers keep the order of the queries

  // Work for which memory ran out.
  bool retry_needed_ = false;
  Mail* backlog_ = nullptr;  // taken from the mailbox and not yet handled
  // Indexed by gate: the shards, as bits, that must still learn that it has opened.
  std::array<std::uint64_t, kGateKinds> unsent_resumes_ = {};

  bool publishers_resumed_ = false;
  std::uint32_t commands_ = 0;

  PlacedTimes placed_times_;

  Mailbox<Mail> mailbox_;
  std::array<FlowGate, kFlowGates> gates_;
  FanOutGate fan_out_gate_;
  CloseRequests close_requests_;
};

}  // namespace wsd::hub
