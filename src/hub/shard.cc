#include "hub/shard.h"

#include <bit>
#include <new>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "hub/hub.h"

namespace wsd::hub {
namespace {

// A connection id is generation << 32 | shard << 24 | slot. Generations start at 1: no id is 0.
constexpr std::uint32_t kSlotBits = 24;
constexpr std::uint32_t kSlotMask = (std::uint32_t{1} << kSlotBits) - 1;
constexpr std::uint32_t kNoSlot = kSlotMask + 1;

std::uint32_t generation_of(ConnectionId id) noexcept {
  return static_cast<std::uint32_t>(id >> 32);
}

void dispose(Mail* mail) noexcept {
  while (mail != nullptr) {
    const std::unique_ptr<Mail> owned(std::exchange(mail, mail->next));
  }
}

// Mail that is prepared before any of it is posted.
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
  [[nodiscard]] std::unique_ptr<Mail> take() noexcept {
    return std::unique_ptr<Mail>(std::exchange(first_, first_->next));
  }

 private:
  Mail* first_ = nullptr;
};

}  // namespace

std::uint32_t slot_of(ConnectionId id) noexcept {
  return static_cast<std::uint32_t>(id) & kSlotMask;
}

std::uint32_t shard_of(ConnectionId id) noexcept {
  return (static_cast<std::uint32_t>(id) >> kSlotBits) & 0xFF;
}

Shard::Shard(Hub& hub, std::uint32_t index, const Options& options, Waker& waker)
    : hub_(hub),
      index_(index),
      waker_(waker),
      first_free_(kNoSlot),
      rules_(options.rooms, {{}, options.history}),
      next_epoch_(options.first_epoch),
      max_rooms_per_member_(options.max_rooms_per_member),
      max_rooms_(options.max_rooms),
      publish_gate_(options.max_pending_publishes),
      deliver_gate_(options.max_pending_publishes) {}

Shard::~Shard() {
  dispose(backlog_);
  dispose(mailbox_.take());
  for (const auto& [name, home] : homes_) {
    if (TimedHistory* const history = home->history()) wheel_.cancel(*history);
  }
}

// Members

ConnectionId Shard::add(Member& member) {
  std::uint32_t slot = first_free_;
  std::uint32_t generation = 1;
  if (slot == kNoSlot) {
    slot = static_cast<std::uint32_t>(slots_.size());
    WSD_ASSERT(slot <= kSlotMask);
    slots_.emplace_back(member);
  } else {
    generation = slots_[slot].generation() + 1;
    first_free_ = slots_[slot].next_free();
    slots_[slot] = Slot(member);
  }
  member.set_id(std::uint64_t{generation} << 32 | std::uint64_t{index_} << kSlotBits | slot);
  ++member_count_;
  return member.id();
}

void Shard::remove(Member& member) {
  leave_all(member);
  wheel_.cancel(member);
  const std::uint32_t slot = slot_of(member.id());
  WSD_ASSERT(slots_[slot].taken() && slots_[slot].member() == &member);
  slots_[slot].free(generation_of(member.id()), std::exchange(first_free_, slot));
  --member_count_;
}

Member* Shard::find(ConnectionId id) const noexcept {
  const std::uint32_t slot = slot_of(id);
  if (slot >= slots_.size() || !slots_[slot].taken()) return nullptr;
  Member* const member = slots_[slot].member();
  return member->id() == id ? member : nullptr;
}

// Rooms, the member's side

void Shard::join(Member& member, std::string_view room, const Since& since) {
  if (max_rooms_per_member_ != 0 && member.memberships().size() >= max_rooms_per_member_ &&
      !rooms_.has(member, room)) {
    member.join_refused(room, JoinRefusal::kConnectionLimit);
    return;
  }
  const std::uint32_t token = ++last_token_;
  if (!rooms_.begin_join(member, room, token)) return;
  stats_.memberships.add(1);
  JoinAnswer answer;
  try {
    const std::uint32_t home = hub_.home_of(room);
    if (home == index_) {
      answer = home_join(room, index_, member.encoding(), since);
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

// It has joined to leave again: the home counts it, whoever leaves first.
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
  // `room` may be the table's own name, which goes with the room: the table comes last.
  if (home == index_) {
    home_leave(room, index_, member.encoding());
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
  // A lone shard sends all that is pending at the end of the turn: nothing can pile up.
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
    home_publish(room, std::move(frame), counted, receipt.get());
  } catch (...) {
    if (counted) open_gate(publish_gate_.leave(1), ResumeMail::Gate::kPublish);
    throw;
  }
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

void Shard::query(std::string_view room, std::unique_ptr<RoomStateCallback> listener) {
  const std::uint32_t home = hub_.home_of(room);
  if (home == index_) {
    listener->run(home_state(room));
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

// Rooms, the home's side

Shard::Homes::iterator Shard::new_home(std::string_view room) {
  const std::size_t count = homes_.size() + 1;
  for (std::vector<RoomHome*>* each : {&fan_out_queue_, &blocked_rooms_, &fan_out_batch_}) {
    if (each->capacity() < count) each->reserve(2 * count);
  }
  const auto made = homes_
                        .try_emplace(std::string(room),
                                     std::make_unique<RoomHome>(room, next_epoch_, rules_.of(room)))
                        .first;
  ++next_epoch_;
  made->second->over_limit = hub_.add_room() > max_rooms_ && max_rooms_ != 0;
  stats_.rooms.set(homes_.size());
  return made;
}

void Shard::erase_home(Homes::iterator home) noexcept {
  homes_.erase(home);
  stats_.rooms.set(homes_.size());
  hub_.remove_room();
}

bool Shard::over_room_limit(RoomHome& home) const noexcept {
  if (home.over_limit && hub_.room_count() <= max_rooms_) home.over_limit = false;
  return home.over_limit;
}

// Whether a message may make a room that nobody is in.
bool Shard::may_found(std::string_view room) const noexcept {
  return rules_.of(room).history.messages != 0 &&
         (max_rooms_ == 0 || hub_.room_count() < max_rooms_);
}

// A room over the limit keeps no history: it is to end with those who were refused.
bool Shard::may_keep(RoomHome& home) const noexcept {
  return home.config().history.messages != 0 && !over_room_limit(home);
}

// Not while it is on a list.
void Shard::drop_if_unused(const RoomHome& home) noexcept {
  if (home.has_members() || home.fan_out_queued || home.has_history()) return;
  if (TimedHistory* const history = home.history()) wheel_.cancel(*history);
  erase_home(homes_.find(home.name()));
}

// Some time after the oldest message has aged, so that it is not once for each message.
void Shard::await_history(RoomHome& home) noexcept {
  TimedHistory* const history = home.history();
  if (history == nullptr || history->armed() || history->ring.empty()) return;
  constexpr Tick kShare = 8;
  wheel_.arm(*history, history->ring.due(now_) + 1 + home.config().history.age / kShare);
}

void Shard::on_history_due(RoomHome& home, Tick now) {
  home.history()->ring.expire(now);
  await_history(home);
  drop_if_unused(home);
}

std::unique_ptr<const Batch> Shard::replay(RoomHome& home, const Since& since, Encoding encoding) {
  const Missed missed = home.missed(since, now_);
  std::vector<SharedBytes> frames;
  if (missed.count != 0) {
    frames = home.history()->ring.last(missed.count, encoding, encoder_, home.last());
  }
  if (missed.gap && encoder_ != nullptr) {
    const Position before{home.last().epoch, home.last().seq - missed.count};
    SharedBytes notice = encoder_->gap_notice(encoding, before);
    if (notice) frames.insert(frames.begin(), std::move(notice));
  }
  if (frames.empty()) return nullptr;
  return std::make_unique<const Batch>(Batch::of_shared(std::move(frames)));
}

Shard::JoinAnswer Shard::home_join(std::string_view room, std::uint32_t shard, Encoding encoding,
                                   const Since& since) {
  auto found = homes_.find(room);
  if (found == homes_.end()) found = new_home(room);
  RoomHome& home = *found->second;
  try {
    // What has its place already goes to those who were there before; held or not, it goes now.
    if (home.has_pending()) send_batch(home);
    JoinAnswer answer;
    answer.refused = over_room_limit(home);
    if (!answer.refused) answer.replay = replay(home, since, encoding);
    home.add(shard, encoding);
    return answer;
  } catch (...) {
    drop_if_unused(home);
    throw;
  }
}

void Shard::home_leave(std::string_view room, std::uint32_t shard, Encoding encoding) {
  const auto found = homes_.find(room);
  WSD_ASSERT(found != homes_.end());
  RoomHome& home = *found->second;
  home.remove(shard, encoding);
  drop_if_unused(home);
}

void Shard::home_publish(std::string_view room, SharedBytes frame, bool counted,
                         RoomStateCallback* receipt) {
  auto found = homes_.find(room);
  const bool missing = found == homes_.end();
  if (missing ? !may_found(room) : !found->second->has_members() && !may_keep(*found->second)) {
    stats_.publishes.add(1);
    if (counted) open_gate(publish_gate_.leave(1), ResumeMail::Gate::kPublish);
    if (receipt != nullptr) receipt->run({});
    return;  // nobody is there: the message has no place and no reader
  }
  if (found == homes_.end()) found = new_home(room);
  RoomHome& home = *found->second;
  try {
    if (home.history() == nullptr && may_keep(home)) {
      home.keep_history(*this, history_bytes_);
    }
    if (!home.has_pending()) home.first_pending_ns = now_ns_;
    wsd_append_to_room(&home, &frame, counted, now_);
  } catch (...) {
    drop_if_unused(home);
    throw;
  }
  stats_.publishes.add(1);
  await_history(home);
  list(home);
  if (receipt != nullptr) receipt->run({home.member_count(), home.last()});
}

RoomState Shard::home_state(std::string_view room) const {
  const auto found = homes_.find(room);
  if (found == homes_.end()) return {};
  return {found->second->member_count(), found->second->last()};
}

void Shard::list(RoomHome& home) noexcept {
  if (home.fan_out_queued) return;
  home.fan_out_queued = true;
  fan_out_queue_.push_back(&home);
}

bool Shard::blocked(const RoomHome& home) const noexcept {
  if (blocked_targets_ == 0) return false;
  for (const RoomHome::ShardCount& each : home.shards()) {
    if ((blocked_targets_ >> each.shard & 1) != 0) return true;
  }
  return false;
}

void Shard::fan_out() noexcept {
  // Rooms listed by what this pass causes wait for the next: one pass is bounded.
  fan_out_batch_.swap(fan_out_queue_);
  for (RoomHome* home : fan_out_batch_) {
    if (blocked(*home)) {
      blocked_rooms_.push_back(home);
      continue;
    }
    home->fan_out_queued = false;
    try {
      if (home->has_pending()) send_batch(*home);
    } catch (const std::bad_alloc&) {
      retry_needed_ = true;
      list(*home);
      continue;
    }
    drop_if_unused(*home);
  }
  fan_out_batch_.clear();
}

// All memory is taken before anything is sent: where it runs out, nothing has happened.
void Shard::send_batch(RoomHome& home) {
  std::shared_ptr<const BatchSet> batch;
  Outgoing mails;
  if (home.has_members()) {
    for (const RoomHome::ShardCount& each : home.shards()) {
      if (each.shard == index_) continue;
      mails.add(
          mail_of(DeliverMail{std::string(home.name()), nullptr, index_, home.first_pending_ns}));
    }
    std::vector<SharedBytes> frames = home.take_pending();
    const Position first{home.last().epoch, home.last().seq - frames.size() + 1};
    // Of all rooms of all shards.
    const std::uint64_t room = first.epoch * Hub::kMaxShards + index_;
    try {
      batch = std::make_shared<const BatchSet>(std::move(frames), home.encodings(), encoder_, first,
                                               SlowPolicyFor{home.config().slow_policy, room});
    } catch (...) {
      home.put_back(std::move(frames));
      throw;
    }
    const auto messages = static_cast<std::uint32_t>(batch->size());
    for (const RoomHome::ShardCount& each : home.shards()) {
      if (each.shard == index_) {
        placed_times_.add(home.first_pending_ns);
        deliver_locally(home.name(), *batch);
        continue;
      }
      Shard& target = hub_.shard(each.shard);
      if (!target.deliver_gate().enter(messages, index_)) {
        blocked_targets_ |= std::uint64_t{1} << each.shard;
      }
      std::unique_ptr<Mail> mail = mails.take();
      std::get<DeliverMail>(mail->body).batch = batch;
      target.post(std::move(mail));
    }
  } else {
    static_cast<void>(home.take_pending());
  }
  const std::uint32_t counted = home.take_counted();
  if (counted != 0) open_gate(publish_gate_.leave(counted), ResumeMail::Gate::kPublish);
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

// False when memory ran out: what is left, from the mail that it ran out in, is the backlog.
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

// Each of these may be tried again after a std::bad_alloc: it has changed nothing then.

void Shard::handle(JoinMail& mail) {
  auto answer = mail_of(JoinedMail{{}, mail.member, nullptr, mail.token});
  auto& joined = std::get<JoinedMail>(answer->body);
  JoinAnswer told = home_join(mail.room, mail.shard, mail.encoding,
                              mail.since == nullptr ? Since{} : *mail.since);
  joined.replay = std::move(told.replay);
  joined.refused = told.refused;
  joined.room = std::move(mail.room);
  hub_.shard(mail.shard).post(std::move(answer));
}

void Shard::handle(LeaveMail& mail) { home_leave(mail.room, mail.shard, mail.encoding); }

void Shard::handle(PublishMail& mail) {
  home_publish(mail.room, mail.frame, true, mail.receipt.get());
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
  fan_out_queue_.insert(fan_out_queue_.end(), blocked_rooms_.begin(), blocked_rooms_.end());
  blocked_rooms_.clear();
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

void Shard::handle(RoomStateMail& mail) { mail.listener->run(home_state(mail.room)); }

void Shard::handle(MemberTaskMail& mail) { mail.task->run(find(mail.member)); }

bool Shard::take_resumed() noexcept { return std::exchange(publishers_resumed_, false); }

std::uint32_t Shard::take_commands() noexcept { return std::exchange(commands_, 0); }

std::uint32_t Shard::shard_count() const noexcept { return hub_.shard_count(); }

}  // namespace wsd::hub
