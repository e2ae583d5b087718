#include "hub/shard.h"

#include <bit>
#include <new>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "hub/hub.h"

namespace wsd::hub {
namespace {

void dispose(Mail* mail) noexcept {
  while (mail != nullptr) {
    const std::unique_ptr<Mail> owned(std::exchange(mail, mail->next));
  }
}

// Mail that is allocated before any of it is posted.
class Outgoing {
 public:
  Outgoing() = default;
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() { dispose(first_); }

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
      owned_rooms_(index, {options.first_epoch, options.max_rooms, options.history, options.rooms},
                   wheel_, hub.rooms(), stats_.rooms),
      max_rooms_per_member_(options.max_rooms_per_member),
      publish_gate_(options.max_pending_publishes),
      deliver_gate_(options.max_pending_publishes) {}

Shard::~Shard() {
  dispose(backlog_);
  dispose(mailbox_.take());
}

void Shard::remove(Member& member) {
  leave_all(member);
  wheel_.cancel(member);
  members_.remove(member);
}

// Rooms of the members here

void Shard::join(Member& member, std::string_view room, const Since& since) {
  if (max_rooms_per_member_ != 0 && member.memberships().size() >= max_rooms_per_member_ &&
      !rooms_.has(member, room)) {
    member.join_refused(room, JoinRefusal::kConnectionLimit);
    return;
  }
  const std::uint32_t token = ++last_token_;
  if (!rooms_.begin_join(member, room, token)) return;
  stats_.memberships.add(1);
  OwnedRooms::JoinAnswer answer;
  try {
    const std::uint32_t home = hub_.home_of(room);
    if (home == index_) {
      answer = join_owned(room, index_, member.encoding(), since);
      if (!answer.refused) rooms_.complete_join(member, room, token);
    } else {
      std::unique_ptr<const Since> from;
      if (since.kind != Since::Kind::kNow) from = std::make_unique<const Since>(since);
      hub_.shard(home).post(
          mail_of(JoinMail{std::string(room), member.id(), std::move(from), token,
                           static_cast<std::uint16_t>(index_), member.encoding()}));
    }
  } catch (...) {
    rooms_.leave(member, room);
    stats_.memberships.subtract(1);
    throw;
  }
  if (answer.refused) {
    refuse(member, room);
  } else if (answer.replay != nullptr) {
    hand_over(member, *answer.replay);
  }
}

// The home shard has counted the refused member, so the member must leave like any other.
void Shard::refuse(Member& member, std::string_view room) {
  leave(member, room);
  member.join_refused(room, JoinRefusal::kServerLimit);
}

void Shard::hand_over(Member& member, const Batch& missed) {
  stats_.deliveries.add(missed.frames().size());
  member.replay(missed);
}

void Shard::leave(Member& member, std::string_view room) {
  if (!rooms_.has(member, room)) return;
  const std::uint32_t home = hub_.home_of(room);
  // `room` may be the name that the table owns. rooms_.leave() may free it, so it comes last.
  if (home == index_) {
    owned_rooms_.leave(room, index_, member.encoding());
    rooms_.leave(member, room);
    stats_.memberships.subtract(1);
    return;
  }
  auto mail = mail_of(LeaveMail{std::string(room), index_, member.encoding()});
  rooms_.leave(member, room);
  stats_.memberships.subtract(1);
  hub_.shard(home).post(std::move(mail));
}

void Shard::leave_all(Member& member) {
  while (!member.memberships().empty()) leave(member, member.memberships().at(0).room->name);
}

PublishOutcome Shard::publish(std::string_view room, SharedBytes frame,
                              std::unique_ptr<RoomStateCallback> receipt) {
  const std::uint32_t home = hub_.home_of(room);
  // A single shard sends all pending messages at the end of the turn, so it needs no limit.
  const bool counted = hub_.shard_count() > 1;
  if (home != index_) {
    Shard& home_shard = hub_.shard(home);
    auto mail = mail_of(PublishMail{std::string(room), std::move(frame), std::move(receipt)});
    const bool open = !counted || home_shard.publish_gate().enter(1, index_);
    home_shard.post(std::move(mail));
    return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
  }
  const bool open = !counted || publish_gate_.enter(1, index_);
  try {
    publish_owned(room, std::move(frame), counted, receipt.get());
  } catch (...) {
    if (counted) open_gate(publish_gate_.leave(1), ResumeMail::Gate::kPublish);
    throw;
  }
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

void Shard::query(std::string_view room, std::unique_ptr<RoomStateCallback> listener) {
  const std::uint32_t home = hub_.home_of(room);
  if (home == index_) {
    listener->run(owned_rooms_.state(room));
  } else {
    hub_.shard(home).post(mail_of(RoomStateMail{std::string(room), std::move(listener)}));
  }
}

PublishOutcome Shard::send_away(ConnectionId member, SharedBytes frame) {
  const std::uint32_t index = shard_of(member);
  if (index >= hub_.shard_count()) return PublishOutcome::kAccepted;
  Shard& target = hub_.shard(index);
  auto mail = mail_of(SendMail{member, std::move(frame)});
  const bool open = target.publish_gate().enter(1, index_);
  target.post(std::move(mail));
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

// Rooms whose home is here

OwnedRooms::JoinAnswer Shard::join_owned(std::string_view room, std::uint32_t shard,
                                         Encoding encoding, const Since& since) {
  // The members that are already there get the messages that already have a position. This must
  // happen now, even if the room is blocked, because the joiner must not get them as live messages.
  RoomHome* const home = owned_rooms_.find(room);
  if (home != nullptr && home->has_pending()) send_batch(*home);
  return owned_rooms_.join(room, shard, encoding, since);
}

void Shard::publish_owned(std::string_view room, SharedBytes frame, bool counted,
                          RoomStateCallback* receipt) {
  const RoomHome* const home = owned_rooms_.publish(room, std::move(frame), counted);
  stats_.publishes.add(1);
  if (home == nullptr) {
    if (counted) open_gate(publish_gate_.leave(1), ResumeMail::Gate::kPublish);
    if (receipt != nullptr) receipt->run({});
    return;
  }
  if (receipt != nullptr) receipt->run({home->member_count(), home->last()});
}

bool Shard::blocked(const RoomHome& home) const noexcept {
  if (blocked_targets_ == 0) return false;
  for (const RoomHome::ShardCount& each : home.shards()) {
    if ((blocked_targets_ >> each.shard & 1) != 0) return true;
  }
  return false;
}

void Shard::fan_out() noexcept {
  owned_rooms_.fan_out([this](RoomHome& home) noexcept {
    if (blocked(home)) return OwnedRooms::FanOutResult::kBlocked;
    try {
      if (home.has_pending()) send_batch(home);
    } catch (const std::bad_alloc&) {
      retry_needed_ = true;
      return OwnedRooms::FanOutResult::kRetry;
    }
    return OwnedRooms::FanOutResult::kSent;
  });
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
    Shard& target = hub_.shard(each.shard);
    if (!target.deliver_gate().enter(static_cast<std::uint32_t>(batch.messages->size()), index_)) {
      blocked_targets_ |= std::uint64_t{1} << each.shard;
    }
    std::unique_ptr<Mail> mail = mails.take();
    std::get<DeliverMail>(mail->body).batch = batch.messages;
    target.post(std::move(mail));
  }
  if (batch.credit != 0) open_gate(publish_gate_.leave(batch.credit), ResumeMail::Gate::kPublish);
}

void Shard::deliver_locally(std::string_view room, const BatchSet& batch) {
  const LocalRoom* const local = rooms_.find(room);
  if (local == nullptr) return;
  for (Member* member : local->members) member->deliver(batch.of(member->encoding()));
  stats_.deliveries.add(local->members.size() * batch.size());
}

void Shard::open_gate(std::uint64_t waiters, ResumeMail::Gate gate) noexcept {
  for (; waiters != 0; waiters &= waiters - 1) {
    const auto waiter = static_cast<std::uint32_t>(std::countr_zero(waiters));
    if (waiter == index_) {
      ResumeMail own{gate, index_};
      handle(own);
      continue;
    }
    try {
      hub_.shard(waiter).post(mail_of(ResumeMail{gate, index_}));
    } catch (const std::bad_alloc&) {
      unsent_resumes_[static_cast<std::size_t>(gate)] |= std::uint64_t{1} << waiter;
      retry_needed_ = true;
    }
  }
}

// Mail

void Shard::wake(std::uint32_t index) const noexcept { hub_.shard(index).waker_.wake(); }

void Shard::post(std::unique_ptr<Mail> mail) noexcept {
  if (mailbox_.push(mail.release())) waker_.wake();
}

void Shard::drain() noexcept {
  retry_needed_ = false;
  for (const auto gate : {ResumeMail::Gate::kPublish, ResumeMail::Gate::kDeliver}) {
    open_gate(std::exchange(unsent_resumes_[static_cast<std::size_t>(gate)], 0), gate);
  }
  if (handle_all(std::exchange(backlog_, nullptr))) handle_all(mailbox_.take());
}

// Returns false if memory ran out. The mail during which it ran out, and all later mail, is then
// the backlog.
bool Shard::handle_all(Mail* mail) noexcept {
  while (mail != nullptr) {
    try {
      std::visit([this](auto& body) { handle(body); }, mail->body);
    } catch (const std::bad_alloc&) {
      backlog_ = mail;
      retry_needed_ = true;
      return false;
    }
    const std::unique_ptr<Mail> owned(std::exchange(mail, mail->next));
  }
  return true;
}

// A handler that throws std::bad_alloc has changed nothing, so handle_all() may call it again.

void Shard::handle(JoinMail& mail) {
  auto answer = mail_of(JoinedMail{{}, mail.member, nullptr, mail.token});
  auto& joined = std::get<JoinedMail>(answer->body);
  OwnedRooms::JoinAnswer told = join_owned(mail.room, mail.shard, mail.encoding,
                                           mail.since == nullptr ? Since{} : *mail.since);
  joined.replay = std::move(told.replay);
  joined.refused = told.refused;
  joined.room = std::move(mail.room);
  hub_.shard(mail.shard).post(std::move(answer));
}

void Shard::handle(LeaveMail& mail) { owned_rooms_.leave(mail.room, mail.shard, mail.encoding); }

void Shard::handle(PublishMail& mail) {
  publish_owned(mail.room, mail.frame, true, mail.receipt.get());
}

void Shard::handle(JoinedMail& mail) {
  Member* const member = find(mail.member);
  if (member == nullptr) return;
  if (mail.refused) {
    if (rooms_.is_pending(*member, mail.room, mail.token)) refuse(*member, mail.room);
  } else if (rooms_.complete_join(*member, mail.room, mail.token) && mail.replay != nullptr) {
    hand_over(*member, *mail.replay);
  }
}

void Shard::handle(DeliverMail& mail) {
  placed_times_.add(mail.first_pending_ns);
  deliver_locally(mail.room, *mail.batch);
  const auto messages = static_cast<std::uint32_t>(mail.batch->size());
  open_gate(deliver_gate_.leave(messages), ResumeMail::Gate::kDeliver);
}

void Shard::handle(ResumeMail& mail) {
  if (mail.gate == ResumeMail::Gate::kPublish) {
    publishers_resumed_ = true;
    return;
  }
  blocked_targets_ &= ~(std::uint64_t{1} << mail.shard);
  owned_rooms_.unblock();
}

void Shard::handle(SendMail& mail) {
  Member* const member = find(mail.member);
  if (member != nullptr) member->deliver(mail.frame);
  open_gate(publish_gate_.leave(1), ResumeMail::Gate::kPublish);
}

void Shard::handle(CloseMail& mail) {
  Member* const member = find(mail.member);
  if (member != nullptr) member->close(CloseCause::kApplicationClosed, mail.code, mail.reason);
}

void Shard::handle(MembershipMail& mail) {
  Member* const member = find(mail.member);
  if (member == nullptr) return;
  if (mail.join) {
    join(*member, mail.room, mail.since == nullptr ? Since{} : *mail.since);
  } else {
    leave(*member, mail.room);
  }
}

void Shard::handle(CommandMail& mail) { commands_ |= mail.commands; }

void Shard::handle(QueryMail& mail) { mail.query->answer(*this); }

void Shard::handle(RoomStateMail& mail) { mail.listener->run(owned_rooms_.state(mail.room)); }

void Shard::handle(MemberTaskMail& mail) { mail.task->run(find(mail.member)); }

bool Shard::take_resumed() noexcept { return std::exchange(publishers_resumed_, false); }

std::uint32_t Shard::take_commands() noexcept { return std::exchange(commands_, 0); }

std::uint32_t Shard::shard_count() const noexcept { return hub_.shard_count(); }

}  // namespace wsd::hub
