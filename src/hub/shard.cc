#include "hub/shard.h"

#include <new>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "hub/hub.h"

namespace wsd::hub {
namespace {

// Mail that is allocated before any of it is posted.
class Outgoing {
 public:
  Outgoing() = default;
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() {
    while (first_ != nullptr) static_cast<void>(take());
  }

  void add(std::unique_ptr<Mail> mail) noexcept {
    mail->next = first_;
    first_ = mail.release();
  }
  // Requires mail that was added and not taken yet.
  [[nodiscard]] std::unique_ptr<Mail> take() noexcept {
    WSD_DCHECK(first_ != nullptr);
    if (first_ == nullptr) __builtin_unreachable();
    return std::unique_ptr<Mail>(std::exchange(first_, first_->next));
  }

 private:
  Mail* first_ = nullptr;
};

}  // namespace

Shard::Shard(Hub& hub, std::uint32_t index, const Options& options, Waker& waker)
    : hub_(hub),
      index_(index),
      waker_(waker),
      members_(index),
      owned_rooms_(index,
                   {options.first_epoch, options.max_rooms, options.history, options.rooms,
                    options.window_ns, options.presence},
                   wheel_, hub.rooms(), stats_.rooms),
      presence_(owned_rooms_.any_presence() ? new Presence(options.node, *this) : nullptr),
      max_rooms_per_member_(options.max_rooms_per_member),
      paced_members_(options.paced_members),
      costs_(options.max_pending_publishes, options.max_pending_bytes),
      gates_{FlowGate(costs_.limit()), FlowGate(costs_.limit()), FlowGate(costs_.limit())} {}

void Shard::remove(Member& member) {
  leave_all(member);
  wheel_.cancel(member);
  members_.remove(member);
}

// Rooms of the members here

PublishOutcome Shard::join(Member& member, std::string_view room, const Since& since,
                           std::string_view info) {
  if (!member.may_join()) return PublishOutcome::kAccepted;
  if (max_rooms_per_member_ != 0 && member.memberships().size() >= max_rooms_per_member_ &&
      !rooms_.has(member, room)) {
    member.join_refused(room, JoinRefusal::kConnectionLimit);
    return PublishOutcome::kAccepted;
  }
  const std::uint32_t token = ++last_token_;
  if (!rooms_.begin_join(member, room, token)) return PublishOutcome::kAccepted;
  stats_.memberships.add(1);
  OwnedRooms::JoinAnswer answer;
  PublishOutcome outcome = PublishOutcome::kAccepted;
  try {
    const std::uint32_t home = hub_.home_of(room);
    if (home == index_ && !room_waits(room)) {
      answer = join_owned(room, {member.id(), index_, member.encoding(), info}, since);
      if (!answer.refused) rooms_.complete_join(member, token);
      if (presence_ != nullptr && is_congested(index_)) outcome = PublishOutcome::kCongested;
    } else {
      std::unique_ptr<const Since> from = since_of(since);
      std::unique_ptr<const std::string> about = presence_ == nullptr ? nullptr : info_of(info);
      outcome = send_home(
          home, room, info.size(),
          mail_of(JoinMail{std::string(room), member.id(), std::move(from), std::move(about), token,
                           static_cast<std::uint16_t>(index_), member.encoding()}));
    }
  } catch (...) {
    rooms_.leave(member, room);
    stats_.memberships.subtract(1);
    throw;
  }
  if (answer.refused) {
    leave_at_once(member, room);
    member.join_refused(room, JoinRefusal::kServerLimit);
  } else if (answer.replay != nullptr) {
    hand_over(member, *answer.replay);
  }
  return outcome;
}

void Shard::hand_over(Member& member, const Batch& missed) {
  stats_.deliveries.add(missed.frames().size());
  member.replay(missed);
}

PublishOutcome Shard::leave(Member& member, std::string_view room) {
  if (!rooms_.has(member, room)) return PublishOutcome::kAccepted;
  const std::uint32_t home = hub_.home_of(room);
  if (home == index_ && !room_waits(room)) {
    send_pending(room);  // the member gets the messages that precede its leave
    leave_owned(room, member.id(), index_, member.encoding());
    rooms_.leave(member, room);
    stats_.memberships.subtract(1);
    return PublishOutcome::kAccepted;
  }
  auto mail = mail_of(LeaveMail{std::string(room), member.id(), 0,
                                static_cast<std::uint16_t>(index_), member.encoding(), true});
  if (home == index_) static_cast<void>(waiting_.line_of(room));  // so that send_home() cannot fail
  std::get<LeaveMail>(mail->body).token = rooms_.begin_leave(member, room);
  stats_.memberships.subtract(1);
  return send_home(home, room, 0, std::move(mail));
}

// Leaves without the messages that precede the leave. The home shard has counted the member, also
// if it has refused it.
void Shard::leave_at_once(Member& member, std::string_view room) {
  const std::uint32_t home = hub_.home_of(room);
  if (home == index_ && !waiting_.has(room)) {
    leave_owned(room, member.id(), index_, member.encoding());
  } else {
    static_cast<void>(send_home(
        home, room, 0,
        mail_of(LeaveMail{std::string(room), member.id(), 0, static_cast<std::uint16_t>(index_),
                          member.encoding(), false})));
  }
  rooms_.leave(member, room);
  stats_.memberships.subtract(1);
}

void Shard::leave_all(Member& member) {
  rooms_.forget_leaves(member);
  while (!member.memberships().empty())
    leave_at_once(member, member.memberships().at(0).room->name);
}

PublishOutcome Shard::publish(std::string_view room, SharedBytes frame,
                              std::unique_ptr<RoomStateCallback> receipt, ConnectionId publisher,
                              ConnectionId except) {
  const std::uint32_t home = hub_.home_of(room);
  if (home != index_ || waiting_.has(room) || (has_engine_ && waits_for_engine(room))) {
    return publish_by_mail(home, room, std::move(frame), std::move(receipt), publisher, nullptr,
                           except);
  }
  const std::size_t payload = frame.size();
  // A single shard without delivery windows sends all pending messages at the end of the turn, so
  // it needs no limit.
  const bool counted = hub_.shard_count() > 1 || owned_rooms_.windows().in_use();
  const std::uint64_t cost = counted ? costs_.of(1, bytes_held(room.size(), payload)) : 0;
  const bool open = !counted || enter_publish_gate(*this, cost);
  try {
    publish_owned(room, std::move(frame), cost, receipt.get(), except);
  } catch (...) {
    leave_gate(GateKind::kPublish, cost);
    throw;
  }
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

// Not inlined, so that a publish that takes effect at once does not pay for it.
[[gnu::noinline]] PublishOutcome Shard::publish_by_mail(std::uint32_t home, std::string_view room,
                                                        SharedBytes frame,
                                                        std::unique_ptr<RoomStateCallback> receipt,
                                                        ConnectionId publisher,
                                                        std::unique_ptr<PublishKey> key,
                                                        ConnectionId except) {
  const std::size_t payload = frame.size();
  return send_home(home, room, payload,
                   mail_of(PublishMail{std::string(room), std::move(frame), std::move(receipt),
                                       publisher, 0, std::move(key), except}));
}

PublishOutcome Shard::query(std::string_view room, std::unique_ptr<RoomStateCallback> listener) {
  const std::uint32_t home = hub_.home_of(room);
  if (home == index_ && order_ == nullptr && !waiting_.has(room)) {
    listener->run(owned_rooms_.state(room));
    return PublishOutcome::kAccepted;
  }
  auto mail = mail_of(RoomStateMail{std::string(room), std::move(listener), {}});
  if (home != index_ || order_ == nullptr) return send_home(home, room, 0, std::move(mail));
  const std::uint64_t cost = costs_.of(1, bytes_held(room.size(), 0));
  mail->cost = cost;
  ask_others(*mail);
  return enter_publish_gate(*this, cost) ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

// Rooms whose home is here

// `engine_failed`: the join is refused, but the member is counted until it has left.
OwnedRooms::JoinAnswer Shard::join_owned(std::string_view room, const Joiner& joiner,
                                         const Since& since, bool engine_failed) {
  // The members that are already there get the messages that already have a position. This must
  // happen first, because the joiner must not get them as live messages.
  send_pending(room);
  OwnedRooms::JoinAnswer answer = owned_rooms_.join(room, joiner.shard, joiner.encoding, since);
  if (engine_failed) return {nullptr, true};
  if (presence_ != nullptr && !answer.refused) announce_join(room, joiner);
  return answer;
}

void Shard::publish_owned(std::string_view room, SharedBytes frame, std::uint64_t cost,
                          RoomStateCallback* receipt, ConnectionId except) {
  const RoomHome* const home = owned_rooms_.publish(room, std::move(frame), cost, except);
  stats_.publishes.add(1);
  if (home == nullptr) {
    leave_gate(GateKind::kPublish, cost);
    if (receipt != nullptr) receipt->run({});
    return;
  }
  if (receipt != nullptr) receipt->run({home->member_count(), home->last()});
}

bool Shard::blocked(const RoomHome& home) const noexcept {
  if (blocked_targets_ == 0) return false;
  for (const RoomHome::ShardCount& each : home.shards()) {
    if (is_blocked(each.shard)) return true;
  }
  return false;
}

// Returns whether a join or leave of a member here must wait.
bool Shard::room_waits(std::string_view room) const noexcept {
  if (waiting_.has(room) || order_ != nullptr) return true;
  if (blocked_targets_ == 0) return false;
  const RoomHome* const home = owned_rooms_.find(room);
  return home != nullptr && home->has_pending() && blocked(*home);
}

void Shard::fan_out() noexcept {
  if (has_engine_) {
    if (order_ != nullptr) {
      end_order_turn();
    } else {
      engine_->end_turn();
    }
  }
  go_on();
  owned_rooms_.fan_out([this](RoomHome& home) noexcept {
    if (blocked(home) || must_wait(home)) return OwnedRooms::FanOutResult::kBlocked;
    try {
      if (home.has_pending()) send_batch(home);
    } catch (const std::bad_alloc&) {
      retry_needed_ = true;
      return OwnedRooms::FanOutResult::kRetry;
    }
    return OwnedRooms::FanOutResult::kSent;
  });
  if (waiting_due_) run_waiting();
}

// The room must not be blocked.
void Shard::send_pending(std::string_view room) {
  RoomHome* const home = owned_rooms_.find(room);
  if (home != nullptr && home->has_pending()) send_batch(*home);
}

// Allocates everything before it sends anything, so that nothing has happened if memory runs out.
void Shard::send_batch(RoomHome& home) {
  Outgoing mails;
  for (const RoomHome::ShardCount& each : home.shards()) {
    if (each.shard == index_) continue;
    mails.add(
        mail_of(DeliverMail{std::string(home.name()), nullptr, index_, home.first_pending_ns}));
  }
  const OwnedRooms::PendingBatch batch = owned_rooms_.take_batch(home);
  for (const RoomHome::ShardCount& each : home.shards()) {
    if (each.shard == index_) {
      placed_times_.add(home.first_pending_ns);
      deliver_locally(home.name(), *batch.messages);
      continue;
    }
    std::unique_ptr<Mail> mail = mails.take();
    auto& body = std::get<DeliverMail>(mail->body);
    body.batch = batch.messages;
    body.paced = count_for_pace(each);
    mail->cost =
        costs_.of(batch.messages->size(), bytes_held(home.name().size(), batch.messages->bytes()));
    post_to_members(each.shard, std::move(mail));
  }
  leave_gate(GateKind::kPublish, batch.cost);
  if (home.arrived_bytes != 0) arrived_are_sent(home);
}

// The numbers of the room go on after `last`, in another epoch. Members learn of the gap: messages
// of the former epoch that they have not got may be lost. The room must not be blocked. Allocates
// everything before it changes anything.
void Shard::begin_epoch(RoomHome& home, const Position& last) {
  if (home.has_pending()) send_batch(home);
  const auto notices = owned_rooms_.gap_notices(home, last);
  Outgoing mails;
  for (const RoomHome::ShardCount& each : home.shards()) {
    if (notices == nullptr || each.shard == index_) continue;
    auto mail =
        mail_of(DeliverMail{std::string(home.name()), notices, index_, owned_rooms_.now_ns()});
    mail->cost = costs_.of(1, bytes_held(home.name().size(), notices->bytes()));
    mails.add(std::move(mail));
  }
  home.begin_epoch(last);
  if (notices == nullptr) return;
  for (const RoomHome::ShardCount& each : home.shards()) {
    if (each.shard == index_) {
      deliver_locally(home.name(), *notices);
    } else {
      post_to_members(each.shard, mails.take());
    }
  }
}

void Shard::deliver_notices(const LocalRoom& room, const BatchSet& notices) {
  for (Member* member : room.members) {
    const Batch& notice = notices.of(member->encoding());
    if (notice.frames().empty()) continue;
    member->deliver(notice);
    stats_.deliveries.add(1);
  }
}

void Shard::deliver_with_exclusions(const LocalRoom& room, const BatchSet& batch) {
  for (Member* member : room.members) {
    const std::span<const Exclusion> left_out = batch.left_out_for(member->id());
    if (left_out.empty()) {
      member->deliver(batch.of(member->encoding()));
    } else if (left_out.size() != batch.size()) {
      member->deliver_without(batch.of(member->encoding()), left_out);
    }
    stats_.deliveries.add(batch.size() - left_out.size());
  }
}

void Shard::deliver_locally(std::string_view room, const BatchSet& batch) {
  const LocalRoom* const local = rooms_.find(room);
  if (local == nullptr) return;
  if (batch.is_of_notices()) {
    deliver_notices(*local, batch);
    return;
  }
  if (!batch.is_for_all()) {
    deliver_with_exclusions(*local, batch);
    return;
  }
  for (Member* member : local->members) member->deliver(batch.of(member->encoding()));
  stats_.deliveries.add(local->members.size() * batch.size());
}

void Shard::release_unused() noexcept {
  members_.shrink();
  rooms_.shrink();
  owned_rooms_.shrink();
}

void Shard::wake(std::uint32_t index) const noexcept { hub_.shard(index).waker_.wake(); }

bool Shard::take_resumed() noexcept { return std::exchange(publishers_resumed_, false); }

std::uint32_t Shard::take_commands() noexcept { return std::exchange(commands_, 0); }

std::uint32_t Shard::shard_count() const noexcept { return hub_.shard_count(); }

}  // namespace wsd::hub
