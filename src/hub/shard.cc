#include "hub/shard.h"

#include <bit>
#include <utility>

#include "base/assert.h"
#include "hub/hub.h"

namespace wsd::hub {
namespace {

// A connection id is generation << 32 | shard << 24 | slot. Generations start at 1: no id is 0.
constexpr std::uint32_t kSlotBits = 24;
constexpr std::uint32_t kSlotMask = (std::uint32_t{1} << kSlotBits) - 1;

std::uint32_t slot_of(ConnectionId id) noexcept {
  return static_cast<std::uint32_t>(id) & kSlotMask;
}
std::uint32_t generation_of(ConnectionId id) noexcept {
  return static_cast<std::uint32_t>(id >> 32);
}

template <class Body>
std::unique_ptr<Mail> mail_of(Body body) {
  auto mail = std::make_unique<Mail>();
  mail->body = std::move(body);
  return mail;
}

}  // namespace

std::uint32_t shard_of(ConnectionId id) noexcept {
  return (static_cast<std::uint32_t>(id) >> kSlotBits) & 0xFF;
}

Shard::Shard(Hub& hub, std::uint32_t index, const Options& options, Waker& waker)
    : hub_(hub),
      index_(index),
      waker_(waker),
      next_epoch_(options.first_epoch),
      publish_gate_(options.mailbox_messages),
      deliver_gate_(options.mailbox_messages) {}

Shard::~Shard() {
  for (Mail* mail = mailbox_.take(); mail != nullptr;) {
    const std::unique_ptr<Mail> owned(std::exchange(mail, mail->next));
  }
}

// Members

ConnectionId Shard::add(Member& member) {
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    WSD_ASSERT(slot <= kSlotMask);
    slots_.emplace_back();
    // Room for every slot to come back: remove() must not need memory.
    free_slots_.reserve(slots_.capacity());
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[slot].member = &member;
  const std::uint32_t generation = ++slots_[slot].generation;
  member.set_id(std::uint64_t{generation} << 32 | std::uint64_t{index_} << kSlotBits | slot);
  ++member_count_;
  return member.id();
}

void Shard::remove(Member& member) {
  leave_all(member);
  wheel_.cancel(member);
  const std::uint32_t slot = slot_of(member.id());
  WSD_ASSERT(slots_[slot].member == &member);
  slots_[slot].member = nullptr;
  free_slots_.push_back(slot);
  --member_count_;
}

Member* Shard::find(ConnectionId id) const noexcept {
  const std::uint32_t slot = slot_of(id);
  if (slot >= slots_.size() || slots_[slot].generation != generation_of(id)) return nullptr;
  return slots_[slot].member;
}

std::vector<Member*> Shard::members() const {
  std::vector<Member*> all;
  all.reserve(member_count_);
  for (const Slot& slot : slots_) {
    if (slot.member != nullptr) all.push_back(slot.member);
  }
  return all;
}

// Rooms, the member's side

void Shard::join(Member& member, std::string_view room) {
  const std::uint32_t token = ++last_token_;
  if (!rooms_.begin_join(member, room, token)) return;
  const std::uint32_t home = hub_.home_of(room);
  if (home == index_) {
    home_join(room, index_, member.variant());
    rooms_.complete_join(member, room, token);
  } else {
    hub_.shard(home).post(
        mail_of(JoinMail{std::string(room), member.id(), index_, token, member.variant()}));
  }
}

void Shard::leave(Member& member, std::string_view room) {
  const std::string name(room);  // `room` may be the table's own name, which goes with the room
  if (!rooms_.leave(member, name)) return;
  const std::uint32_t home = hub_.home_of(name);
  if (home == index_) {
    home_leave(name, index_, member.variant());
  } else {
    hub_.shard(home).post(mail_of(LeaveMail{name, index_, member.variant()}));
  }
}

void Shard::leave_all(Member& member) {
  while (!member.memberships().empty()) leave(member, member.memberships().at(0).room->name);
}

PublishOutcome Shard::publish(std::string_view room, SharedBytes frame) {
  const std::uint32_t home = hub_.home_of(room);
  // A lone shard sends all that is pending at the end of the turn: nothing can pile up.
  const bool counted = hub_.shard_count() > 1;
  Shard& home_shard = hub_.shard(home);
  const bool open = !counted || home_shard.publish_gate().enter(1, index_);
  if (home == index_) {
    home_publish(room, std::move(frame), counted);
  } else {
    home_shard.post(mail_of(PublishMail{std::string(room), std::move(frame)}));
  }
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

PublishOutcome Shard::send_away(ConnectionId member, SharedBytes frame) {
  const std::uint32_t index = shard_of(member);
  if (index >= hub_.shard_count()) return PublishOutcome::kAccepted;
  Shard& target = hub_.shard(index);
  const bool open = target.publish_gate().enter(1, index_);
  target.post(mail_of(SendMail{member, std::move(frame)}));
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

// Rooms, the home's side

void Shard::home_join(std::string_view room, std::uint32_t shard, Variant variant) {
  auto found = homes_.find(room);
  if (found == homes_.end()) {
    found = homes_.try_emplace(std::string(room), std::make_unique<RoomHome>(room, next_epoch_++))
                .first;
  }
  RoomHome& home = *found->second;
  // What has its place already goes to those who were there before; held or not, it goes now.
  if (home.has_pending()) send_batch(home);
  home.add(shard, variant);
}

void Shard::home_leave(std::string_view room, std::uint32_t shard, Variant variant) {
  const auto found = homes_.find(room);
  WSD_ASSERT(found != homes_.end());
  RoomHome& home = *found->second;
  home.remove(shard, variant);
  if (!home.has_members() && !home.listed) homes_.erase(found);
}

void Shard::home_publish(std::string_view room, SharedBytes frame, bool counted) {
  const auto found = homes_.find(room);
  if (found == homes_.end() || !found->second->has_members()) {
    if (counted) open_gate(publish_gate_.leave(1), ResumeMail::Gate::kPublish);
    return;  // nobody is there: the message has no place and no reader
  }
  RoomHome& home = *found->second;
  home.append(std::move(frame), counted);
  list(home);
}

void Shard::list(RoomHome& home) {
  if (home.listed) return;
  home.listed = true;
  listed_.push_back(&home);
}

bool Shard::blocked(const RoomHome& home) const noexcept {
  if (blocked_targets_ == 0) return false;
  for (const RoomHome::ShardCount& each : home.shards()) {
    if ((blocked_targets_ >> each.shard & 1) != 0) return true;
  }
  return false;
}

void Shard::fan_out() {
  // Rooms listed by what this pass causes wait for the next: one pass is bounded.
  std::vector<RoomHome*> now = std::exchange(listed_, {});
  for (RoomHome* home : now) {
    if (blocked(*home)) {
      held_.push_back(home);
      continue;
    }
    home->listed = false;
    if (home->has_pending()) send_batch(*home);
    if (!home->has_members()) homes_.erase(homes_.find(home->name()));
  }
  if (listed_.empty()) {
    now.clear();
    listed_ = std::move(now);  // keeps the memory for the next turn
  }
}

void Shard::send_batch(RoomHome& home) {
  const std::uint32_t counted = home.take_counted();
  if (home.has_members()) {
    const auto batch =
        std::make_shared<const BatchSet>(home.take_pending(), home.variants(), encoder_);
    const auto messages = static_cast<std::uint32_t>(batch->size());
    for (const RoomHome::ShardCount& each : home.shards()) {
      if (each.shard == index_) {
        deliver_locally(home.name(), *batch);
        continue;
      }
      Shard& target = hub_.shard(each.shard);
      if (!target.deliver_gate().enter(messages, index_)) {
        blocked_targets_ |= std::uint64_t{1} << each.shard;
      }
      target.post(mail_of(DeliverMail{std::string(home.name()), batch, index_}));
    }
  } else {
    static_cast<void>(home.take_pending());
  }
  if (counted != 0) open_gate(publish_gate_.leave(counted), ResumeMail::Gate::kPublish);
}

void Shard::deliver_locally(std::string_view room, const BatchSet& batch) {
  const LocalRoom* const local = rooms_.find(room);
  if (local == nullptr) return;
  for (Member* member : local->members) member->deliver(batch.of(member->variant()));
}

void Shard::open_gate(std::uint64_t waiters, ResumeMail::Gate gate) {
  for (; waiters != 0; waiters &= waiters - 1) {
    const auto waiter = static_cast<std::uint32_t>(std::countr_zero(waiters));
    if (waiter == index_) {
      ResumeMail own{gate, index_};
      handle(own);
    } else {
      hub_.shard(waiter).post(mail_of(ResumeMail{gate, index_}));
    }
  }
}

// Mail

void Shard::post(std::unique_ptr<Mail> mail) noexcept {
  if (mailbox_.push(mail.release())) waker_.wake();
}

void Shard::drain() {
  for (Mail* mail = mailbox_.take(); mail != nullptr;) {
    const std::unique_ptr<Mail> owned(std::exchange(mail, mail->next));
    std::visit([this](auto& body) { handle(body); }, owned->body);
  }
}

void Shard::handle(JoinMail& mail) {
  home_join(mail.room, mail.shard, mail.variant);
  hub_.shard(mail.shard).post(mail_of(JoinedMail{std::move(mail.room), mail.member, mail.token}));
}

void Shard::handle(LeaveMail& mail) { home_leave(mail.room, mail.shard, mail.variant); }

void Shard::handle(PublishMail& mail) { home_publish(mail.room, std::move(mail.frame), true); }

void Shard::handle(JoinedMail& mail) {
  Member* const member = find(mail.member);
  if (member != nullptr) rooms_.complete_join(*member, mail.room, mail.token);
}

void Shard::handle(DeliverMail& mail) {
  deliver_locally(mail.room, *mail.batch);
  const auto messages = static_cast<std::uint32_t>(mail.batch->size());
  open_gate(deliver_gate_.leave(messages), ResumeMail::Gate::kDeliver);
}

void Shard::handle(ResumeMail& mail) {
  if (mail.gate == ResumeMail::Gate::kPublish) {
    resumed_ = true;
    return;
  }
  blocked_targets_ &= ~(std::uint64_t{1} << mail.shard);
  listed_.insert(listed_.end(), held_.begin(), held_.end());
  held_.clear();
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
    join(*member, mail.room);
  } else {
    leave(*member, mail.room);
  }
}

void Shard::handle(CommandMail& mail) { commands_ |= mail.commands; }

bool Shard::take_resumed() noexcept { return std::exchange(resumed_, false); }

std::uint32_t Shard::take_commands() noexcept { return std::exchange(commands_, 0); }

}  // namespace wsd::hub
