// The mail that a shard sends and handles, and the mail that waits for a gate.
#include <bit>
#include <new>
#include <utility>
#include <variant>

#include "hub/hub.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

void dispose(Mail* mail) noexcept {
  while (mail != nullptr) {
    const std::unique_ptr<Mail> owned(std::exchange(mail, mail->next));
  }
}

// Returns the gate at which mail with this body is counted.
template <class Body>
constexpr GateKind gate_of(const Body& /*body*/) noexcept {
  if constexpr (std::is_same_v<Body, DeliverMail> || std::is_same_v<Body, JoinedMail> ||
                std::is_same_v<Body, LeftMail>) {
    return GateKind::kDeliver;
  } else if constexpr (std::is_same_v<Body, MembershipMail> || std::is_same_v<Body, QueryMail>) {
    return GateKind::kRequest;
  } else {
    return GateKind::kPublish;
  }
}

}  // namespace

Shard::~Shard() {
  dispose(backlog_);
  dispose(mailbox_.take());
}

// Sending

void Shard::post(std::unique_ptr<Mail> mail) noexcept {
  if (mailbox_.push(mail.release())) waker_.wake();
}

void Shard::post_to(std::uint32_t index, std::unique_ptr<Mail> mail) const noexcept {
  hub_.shard(index).post(std::move(mail));
}

bool Shard::try_post(GateKind kind, std::unique_ptr<Mail> mail, std::uint64_t bytes) {
  mail->cost = costs_.of(1, bytes);
  if (!gate(kind).try_enter(mail->cost)) return false;
  post(std::move(mail));
  return true;
}

void Shard::post_close(CloseMail close) {
  const ConnectionId member = close.member;
  auto mail = mail_of(std::move(close));
  if (close_requests_.add(member)) post(std::move(mail));
}

bool Shard::enter_publish_gate(Shard& home, std::uint64_t cost) noexcept {
  if (home.publish_gate().enter(cost, index_)) return true;
  congested_homes_ |= std::uint64_t{1} << home.index();
  return false;
}

// Posts mail for a room to its home shard. If that is this shard, the mail waits. `payload` is the
// size of a message. Throws std::bad_alloc only if the home is this shard and no mail of the room
// waits.
PublishOutcome Shard::send_home(std::uint32_t home, std::string_view room, std::size_t payload,
                                std::unique_ptr<Mail> mail) {
  RoomLine* const line = home == index_ ? &waiting_.line_of(room) : nullptr;
  if (line != nullptr && order_ != nullptr) wait_for_order(*line, *mail);
  if (line != nullptr && goes_to_engine(*mail)) hand_to_engine(*line, *mail);
  mail->cost = costs_.of(1, bytes_held(room.size(), payload));
  const bool open = enter_publish_gate(hub_.shard(home), mail->cost);
  if (line != nullptr) {
    push(*line, std::move(mail));
  } else {
    hub_.shard(home).post(std::move(mail));
  }
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

PublishOutcome Shard::send_away(ConnectionId member, SharedBytes frame) {
  const std::uint32_t index = shard_of(member);
  if (index >= hub_.shard_count()) return PublishOutcome::kAccepted;
  Shard& target = hub_.shard(index);
  const std::size_t payload = frame.size();
  auto mail = mail_of(SendMail{member, std::move(frame)});
  mail->cost = costs_.of(1, bytes_held(0, payload));
  const bool open = enter_publish_gate(target, mail->cost);
  target.post(std::move(mail));
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

PublishOutcome Shard::join_away(ConnectionId member, std::string_view room, const Since& since,
                                std::string_view info) {
  return change_away(member, room, true, since, info);
}

PublishOutcome Shard::leave_away(ConnectionId member, std::string_view room) {
  return change_away(member, room, false, {}, {});
}

PublishOutcome Shard::change_away(ConnectionId member, std::string_view room, bool join,
                                  const Since& since, std::string_view info) {
  const std::uint32_t index = shard_of(member);
  if (index >= hub_.shard_count()) return PublishOutcome::kAccepted;
  Shard& target = hub_.shard(index);
  auto mail = membership_mail(member, room, join, since, info);
  mail->cost = costs_.of(1, bytes_held(room.size(), info.size()));
  const bool open = target.request_gate().enter(mail->cost, index_);
  if (!open) congested_requests_ |= std::uint64_t{1} << index;
  target.post(std::move(mail));
  return open ? PublishOutcome::kAccepted : PublishOutcome::kCongested;
}

// Posts mail of a home shard to the shard of members. The mail costs `mail->cost` at its gate.
void Shard::post_to_members(std::uint32_t shard, std::unique_ptr<Mail> mail) noexcept {
  Shard& target = hub_.shard(shard);
  if (!target.deliver_gate().enter(mail->cost, index_)) {
    blocked_targets_ |= std::uint64_t{1} << shard;
  }
  target.post(std::move(mail));
}

// Sends the answer to a join or leave. `bytes` is the size of the answer.
void Shard::answer(std::uint32_t shard, std::unique_ptr<Mail> mail, std::size_t bytes) {
  if (shard != index_) {
    mail->cost = costs_.of(1, bytes);
    post_to_members(shard, std::move(mail));
    return;
  }
  // The join or leave of a member here has waited. The answer must take effect before the next
  // message of the room. A refusal calls the application, which must not happen now; but a refused
  // member gets no messages.
  const auto* const joined = std::get_if<JoinedMail>(&mail->body);
  if (joined != nullptr && joined->refused) {
    post(std::move(mail));
  } else {
    handle(*mail);
  }
}

// Gates

void Shard::leave_gate(GateKind kind, std::uint64_t cost) noexcept {
  if (cost != 0) open_gate(gate(kind).leave(cost), kind);
}

void Shard::open_gate(std::uint64_t waiters, GateKind kind) noexcept {
  for (; waiters != 0; waiters &= waiters - 1) {
    const auto waiter = static_cast<std::uint32_t>(std::countr_zero(waiters));
    if (waiter == index_) {
      ResumeMail own{kind, index_};
      handle(own);
      continue;
    }
    try {
      hub_.shard(waiter).post(mail_of(ResumeMail{kind, index_}));
    } catch (const std::bad_alloc&) {
      unsent_resumes_[static_cast<std::size_t>(kind)] |= std::uint64_t{1} << waiter;
      retry_needed_ = true;
    }
  }
}

void Shard::handle(ResumeMail& mail) {
  const std::uint64_t others = ~(std::uint64_t{1} << mail.shard);
  if (mail.gate == GateKind::kFanOut) {
    owned_rooms_.unblock();
    return;
  }
  if (mail.gate == GateKind::kDeliver) {
    blocked_targets_ &= others;
    owned_rooms_.unblock();
    waiting_due_ = waiting_due_ || !waiting_.empty();
    return;
  }
  if (mail.gate == GateKind::kPublish) {
    congested_homes_ &= others;
    waiting_due_ = waiting_due_ || !waiting_requests_.empty();
  } else {
    congested_requests_ &= others;
  }
  // A paused connection may have sent to any of these shards, so all gates must be open. Otherwise
  // each opening of a busy gate would let all connections send more to a shard that stands still.
  publishers_resumed_ = (congested_homes_ | congested_requests_) == 0;
}

// Mail that waits

// Returns whether a gate is closed that must open before the mail is handled.
bool Shard::gate_is_closed_for(const Mail& mail) const noexcept {
  const auto blocks = [this](std::string_view room, std::uint32_t shard) {
    if (blocked_targets_ == 0) return false;
    if (is_blocked(shard)) return true;  // it cannot take the answer
    const RoomHome* const home = owned_rooms_.find(room);
    return home != nullptr && home->has_pending() && blocked(*home);
  };
  if (const auto* const join = std::get_if<JoinMail>(&mail.body)) {
    return blocks(join->room, join->shard);
  }
  if (const auto* const leave = std::get_if<LeaveMail>(&mail.body)) {
    return leave->awaited && blocks(leave->room, leave->shard);
  }
  const auto* const request = std::get_if<MembershipMail>(&mail.body);
  return request != nullptr && congested_homes_ != 0 && is_congested(hub_.home_of(request->room));
}

// Returns whether mail that belongs to no room must wait.
bool Shard::request_waits(const Mail& mail) const noexcept {
  return std::holds_alternative<MembershipMail>(mail.body) &&
         (!waiting_requests_.empty() || gate_is_closed_for(mail));
}

// Returns the line in which the mail must wait, or nullptr if it can be handled now. Mail waits for
// a closed gate, for the engine, and behind mail of the same room that waits. Throws std::bad_alloc
// if memory runs out; then nothing has changed.
RoomLine* Shard::line_for(Mail& mail) {
  std::string_view room;
  if (const auto* const join = std::get_if<JoinMail>(&mail.body)) {
    room = join->room;
  } else if (const auto* const leave = std::get_if<LeaveMail>(&mail.body)) {
    room = leave->room;
  } else if (const auto* const publish = std::get_if<PublishMail>(&mail.body)) {
    room = publish->room;
  } else if (const auto* const query = std::get_if<RoomStateMail>(&mail.body)) {
    room = query->room;
  } else if (const auto* const removal = std::get_if<RemovalMail>(&mail.body)) {
    room = removal->room;
  } else if (const auto* const members = std::get_if<MembersMail>(&mail.body)) {
    room = members->room;
  } else {
    return nullptr;
  }
  if (order_ != nullptr) {
    return std::holds_alternative<RoomStateMail>(mail.body) ? nullptr : order_line_for(room, mail);
  }
  if (goes_to_engine(mail)) {
    RoomLine& line = waiting_.line_of(room);
    hand_to_engine(line, mail);
    return &line;
  }
  return waiting_.has(room) || gate_is_closed_for(mail) ? &waiting_.line_of(room) : nullptr;
}

// Handles the mail whose gates have opened.
void Shard::run_waiting() noexcept {
  waiting_due_ = false;
  answer_counted();
  if (!listing_.empty()) answer_listed();
  const auto handled = [this](Mail& mail) noexcept {
    if (gate_is_closed_for(mail)) return false;
    try {
      handle(mail);
      return true;
    } catch (const std::bad_alloc&) {
      retry_needed_ = true;
      waiting_due_ = true;
      return false;
    }
  };
  waiting_.run(
      [&](RoomLine& line, Mail& mail) noexcept {
        if (!has_engine_) return handled(mail);
        return order_ != nullptr ? handle_ordered(line, mail) : handle_waiting(line, mail);
      },
      [this](RoomLine& line) noexcept {
        if (line.home != nullptr) owned_rooms_.release(*line.home);
        if (order_ != nullptr) owned_rooms_.drop_if_unwanted(line.name);
      });
  while (!waiting_requests_.empty() && handled(waiting_requests_.front())) waiting_requests_.pop();
}

// Handling

void Shard::drain() noexcept {
  retry_needed_ = false;
  for (const auto gate :
       {GateKind::kRequest, GateKind::kPublish, GateKind::kDeliver, GateKind::kFanOut}) {
    open_gate(std::exchange(unsent_resumes_[static_cast<std::size_t>(gate)], 0), gate);
  }
  if (handle_all(std::exchange(backlog_, nullptr))) handle_all(mailbox_.take());
  // What the engine has kept takes effect at once, and not only when the rooms have fanned out.
  if (has_engine_ && waiting_due_) run_waiting();
}

// Returns false if memory ran out. The mail during which it ran out, and all later mail, is then
// the backlog.
bool Shard::handle_all(Mail* mail) noexcept {
  while (mail != nullptr) {
    RoomLine* line = nullptr;
    bool waits = false;
    try {
      if (may_wait()) {
        waits = request_waits(*mail);
        if (!waits) line = line_for(*mail);
      }
      if (!waits && line == nullptr) handle(*mail);
    } catch (const std::bad_alloc&) {
      backlog_ = mail;
      retry_needed_ = true;
      return false;
    }
    std::unique_ptr<Mail> owned(std::exchange(mail, mail->next));
    if (waits) {
      waiting_requests_.push(std::move(owned));
    } else if (line != nullptr) {
      push(*line, std::move(owned));
    }
  }
  return true;
}

void Shard::handle(Mail& mail) {
  if (auto* const publish = std::get_if<PublishMail>(&mail.body)) {
    // Stays counted until its batch is sent.
    if (!is_of_engine(publish->ticket)) {
      answer_unplaced(*publish);
      leave_gate(GateKind::kPublish, mail.cost);
    } else if (publish->key != nullptr) {
      publish_keyed(publish->room, publish->frame, mail.cost, *publish->key, publish->ticket != 0,
                    publish->receipt.get());
    } else {
      publish_owned(publish->room, publish->frame, mail.cost, publish->receipt.get(),
                    publish->except);
    }
    return;
  }
  if (std::holds_alternative<PlacedMail>(mail.body)) {
    handle_placed(mail);
    return;
  }
  if (order_ != nullptr && std::holds_alternative<RoomStateMail>(mail.body)) {
    ask_others(mail);  // stays counted until it is answered
    return;
  }
  if (const auto* const members = std::get_if<MembersMail>(&mail.body);
      members != nullptr && order_ != nullptr && owned_rooms_.has_presence(members->room)) {
    ask_for_members(mail);  // stays counted until it is answered
    return;
  }
  const GateKind kind = std::visit(
      [this](auto& body) {
        handle(body);
        return gate_of(body);
      },
      mail.body);
  leave_gate(kind, mail.cost);
}

// A handler that throws std::bad_alloc has changed nothing, so it may be called again.

void Shard::handle(JoinMail& mail) {
  auto reply = mail_of(JoinedMail{{}, mail.member, nullptr, mail.token});
  auto& joined = std::get<JoinedMail>(reply->body);
  const bool failed = mail.check == JoinMail::Check::kFailed;
  const Joiner joiner{mail.member, mail.shard, mail.encoding,
                      mail.info == nullptr ? std::string_view() : *mail.info};
  OwnedRooms::JoinAnswer told =
      join_owned(mail.room, joiner, mail.since == nullptr ? Since{} : *mail.since, failed);
  if (failed) joined.why = JoinRefusal::kEngine;
  std::size_t replay = 0;
  if (told.replay != nullptr) {
    replay = told.replay->bytes() + told.replay->frames().size() * sizeof(Slice);
  }
  joined.replay = std::move(told.replay);
  joined.refused = told.refused;
  joined.room = std::move(mail.room);
  const std::size_t bytes = bytes_held(joined.room.size(), replay);
  answer(mail.shard, std::move(reply), bytes);
}

void Shard::handle(LeaveMail& mail) {
  if (!mail.awaited) {
    leave_owned(mail.room, mail.member, mail.shard, mail.encoding);
    return;
  }
  auto reply = mail_of(LeftMail{mail.member, mail.token});
  send_pending(mail.room);
  leave_owned(mail.room, mail.member, mail.shard, mail.encoding);
  answer(mail.shard, std::move(reply), bytes_held(0, 0));
}

void Shard::handle(PublishMail& /*mail*/) {}  // see handle(Mail&)

void Shard::handle(JoinedMail& mail) {
  Member* const member = find(mail.member);
  if (member == nullptr) return;
  if (mail.refused) {
    if (!rooms_.is_pending(*member, mail.room, mail.token)) return;
    leave_at_once(*member, mail.room);
    member->join_refused(mail.room, mail.why);
  } else if (rooms_.complete_join(*member, mail.token) && mail.replay != nullptr) {
    hand_over(*member, *mail.replay);
  }
}

// The home shard has sent all messages that precede the leave.
void Shard::handle(LeftMail& mail) {
  if (Member* const member = find(mail.member)) rooms_.end_leave(*member, mail.token);
}

void Shard::handle(DeliverMail& mail) {
  placed_times_.add(mail.first_pending_ns);
  deliver_locally(mail.room, *mail.batch);
  if (mail.paced) ++handled_;
}

void Shard::handle(SendMail& mail) {
  Member* const member = find(mail.member);
  if (member != nullptr) member->deliver(mail.frame);
}

void Shard::handle(CloseMail& mail) {
  close_requests_.remove(mail.member);
  Member* const member = find(mail.member);
  if (member != nullptr) member->close(mail.cause, mail.code, mail.reason);
}

void Shard::handle(MembershipMail& mail) {
  Member* const member = find(mail.member);
  if (member == nullptr) return;
  if (mail.join) {
    join(*member, mail.room, mail.since == nullptr ? Since{} : *mail.since,
         mail.info == nullptr ? std::string_view() : *mail.info);
  } else {
    leave(*member, mail.room);
  }
}

void Shard::handle(CommandMail& mail) { commands_ |= mail.commands; }

void Shard::handle(QueryMail& mail) { mail.query->answer(*this); }

void Shard::handle(RoomStateMail& mail) { mail.listener->run(owned_rooms_.state(mail.room)); }

void Shard::handle(PlacedMail& /*mail*/) {}  // see handle(Mail&)

void Shard::handle(RemovalMail& mail) {
  // An order engine removes nothing.
  if (mail.ticket == kRefusedTicket || order_ != nullptr) {
    mail.done->run(std::nullopt);
    return;
  }
  std::optional<Position> message = mail.what();
  // The room may have begun a new epoch since. The message has the same number in it.
  const RoomHome* const home = mail.ticket == 0 ? nullptr : owned_rooms_.find(mail.room);
  if (message && home != nullptr) message->epoch = home->last().epoch;
  mail.done->run(owned_rooms_.remove(mail.room, message));
}

void Shard::handle(MemberTaskMail& mail) { mail.task->run(find(mail.member)); }

void Shard::handle(ShardTaskMail& mail) { mail.task->run(); }

}  // namespace wsd::hub
