// The shard's side of its order engine: the mail that waits for the order, and the messages that
// get their positions from the engine; see order_engine.h.
//
// The engine's calls only queue mail or append to rooms. Handlers and receipts, which may call the
// engine again, run when the line of the room does.
#include <algorithm>
#include <new>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "hub/hub.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

// The engine is left unread while more bytes of other nodes' messages than this wait for slow
// members here, and until half of them are sent.
constexpr std::size_t kMostArrivedBytes = std::size_t{8} << 20;

bool is_unplaced(const Mail& mail) noexcept {
  const auto* const publish = std::get_if<PublishMail>(&mail.body);
  return publish != nullptr && is_of_engine(publish->ticket);
}

bool is_later(const Position& a, const Position& b) noexcept {
  return a.epoch != b.epoch ? a.epoch > b.epoch : a.seq > b.seq;
}

// Returns whether the joiner has seen a position that this shard has not.
bool is_ahead(const JoinMail& mail, const Position& last) noexcept {
  if (mail.since == nullptr || mail.since->kind != Since::Kind::kAfter) return false;
  return is_later(mail.since->position, last);
}

// Returns the member of a join or leave, or 0.
ConnectionId member_of(const Mail& mail) noexcept {
  if (const auto* const join = std::get_if<JoinMail>(&mail.body)) return join->member;
  const auto* const leave = std::get_if<LeaveMail>(&mail.body);
  return leave == nullptr ? 0 : leave->member;
}

// Returns whether an earlier join of the same member is parked.
bool is_behind_parked(const RoomLine& line, const Mail& mail) noexcept {
  return line.parked != nullptr && line.parked->has(member_of(mail));
}

}  // namespace

void Shard::set_order_engine(OrderEngine* engine) noexcept {
  order_ = engine;
  has_engine_ = engine != nullptr;
  owned_rooms_.set_order_engine(engine);
}

// Mail for the engine

// Opens the room for a join or publish, and hands a publish over. Throws std::bad_alloc if memory
// runs out; then nothing has changed, and a line that is empty has ended.
void Shard::wait_for_order(RoomLine& line, Mail& mail) {
  auto* const publish = std::get_if<PublishMail>(&mail.body);
  if (publish == nullptr && !std::holds_alternative<JoinMail>(mail.body)) return;
  try {
    RoomHome* const home = owned_rooms_.open(line.name);
    if (publish != nullptr) {
      publish->ticket = home == nullptr
                            ? kRefusedTicket
                            : order_->publish(*home, publish->frame, publish->key.get());
    }
  } catch (...) {
    waiting_.drop_if_empty(line.name);
    throw;
  }
}

// As line_for(), for a room.
RoomLine* Shard::order_line_for(std::string_view room, Mail& mail) {
  if (waiting_.has(room) || std::holds_alternative<PublishMail>(mail.body)) {
    RoomLine& line = waiting_.line_of(room);
    wait_for_order(line, mail);
    return &line;
  }
  const auto* const join = std::get_if<JoinMail>(&mail.body);
  const RoomHome* const home = join == nullptr ? nullptr : owned_rooms_.open(room);
  const bool joins_now = home == nullptr || (home->live && !is_ahead(*join, home->last()));
  return joins_now && !gate_is_closed_for(mail) ? nullptr : &waiting_.line_of(room);
}

void Shard::push_ordered(RoomLine& line, std::unique_ptr<Mail> mail) noexcept {
  if (!line.unplaced.empty() || is_unplaced(*mail)) {
    line.unplaced.push(std::move(mail));
  } else {
    waiting_due_ = true;
    line.queue.push(std::move(mail));
  }
}

// The mail up to the next publish without a position can take effect.
void Shard::release_placed(RoomLine& line) noexcept {
  while (!line.unplaced.empty() && !is_unplaced(line.unplaced.front())) {
    line.queue.push(line.unplaced.take());
  }
  waiting_due_ = true;
}

// Takes a join or leave out of the order of its line; see parked_mail.h. Throws std::bad_alloc if
// memory runs out; then nothing has changed.
void Shard::park(RoomLine& line, Mail& mail, RoomHome* check) {
  const ConnectionId member = member_of(mail);
  const auto* const leave = std::get_if<LeaveMail>(&mail.body);
  if (leave != nullptr && !leave->awaited) {
    // The connection has ended before the home has counted it.
    leave_gate(GateKind::kPublish, mail.cost);
    line.parked->remove(member, [this](std::unique_ptr<Mail> each) noexcept {
      leave_gate(GateKind::kPublish, each->cost);
    });
    return;
  }
  auto parked = std::make_unique<Mail>();
  if (line.parked == nullptr) line.parked = std::make_unique<ParkedMail>();
  line.parked->reserve(member, check != nullptr);
  if (check != nullptr) {
    std::get<JoinMail>(mail.body).check = JoinMail::Check::kDone;  // when it is released
    order_->check(*check);
  }
  parked->cost = mail.cost;
  parked->body = std::move(mail.body);
  line.parked->add(member, std::move(parked), check != nullptr);
}

// Handles or parks a join.
void Shard::join_or_park(RoomLine& line, Mail& mail) {
  const auto& join = std::get<JoinMail>(mail.body);
  RoomHome* const home =
      join.check == JoinMail::Check::kFailed ? nullptr : owned_rooms_.open(join.room);
  // A room that exceeds the limit is not opened, and the join is refused.
  if (home != nullptr && !home->live) {
    park(line, mail, nullptr);
  } else if (home != nullptr && join.check == JoinMail::Check::kNone &&
             is_ahead(join, home->last())) {
    park(line, mail, home);
  } else {
    handle(mail);
  }
}

// Joins that need not be parked any longer go to the end of their lines, with all mail of their
// members that came after them.
void Shard::release_parked() noexcept {
  parked_due_ = false;
  waiting_due_ = true;
  waiting_.for_each([](RoomLine& line) noexcept {
    if (line.parked == nullptr || !line.parked->has_to_release()) return;
    MailQueue behind;
    MailQueue rest;
    while (!line.queue.empty()) {
      std::unique_ptr<Mail> mail = line.queue.take();
      (is_behind_parked(line, *mail) ? behind : rest).push(std::move(mail));
    }
    while (!rest.empty()) line.queue.push(rest.take());
    line.parked->release(
        [&](std::unique_ptr<Mail> mail) noexcept { line.queue.push(std::move(mail)); });
    while (!behind.empty()) line.queue.push(behind.take());
  });
}

// Handles mail that has waited in a line. Returns false if it must wait on.
bool Shard::handle_ordered(RoomLine& line, Mail& mail) noexcept {
  if (gate_is_closed_for(mail)) return false;
  if (const auto* const placed = std::get_if<PlacedMail>(&mail.body);
      placed != nullptr && !placed->frame && blocked(*owned_rooms_.find(placed->room))) {
    return false;
  }
  try {
    if (is_behind_parked(line, mail)) {
      park(line, mail, nullptr);
    } else if (std::holds_alternative<JoinMail>(mail.body)) {
      join_or_park(line, mail);
    } else {
      handle(mail);
    }
    return true;
  } catch (const std::bad_alloc&) {
    retry_needed_ = true;
    waiting_due_ = true;
    return false;
  }
}

// The cost stays counted until the batch of the message is sent.
void Shard::handle_placed(Mail& mail) {
  auto& placed = std::get<PlacedMail>(mail.body);
  RoomHome& home = *owned_rooms_.find(placed.room);
  if (!placed.frame) {
    go_on_after(home, placed.position, placed.kept_back);
    return;
  }
  WSD_DCHECK(placed.position.seq == home.last().seq + 1);
  const bool pending = owned_rooms_.place(home, placed.frame, mail.cost, placed.at, placed.except);
  if (!pending) leave_gate(GateKind::kPublish, mail.cost);
  if (placed.arrived) {
    const std::size_t bytes = placed.frame.memory_bytes();
    if (pending) home.arrived_bytes += bytes;
    count_arrived(pending ? 0 : 0 - bytes);
  }
  if (!placed.arrived) stats_.publishes.add(1);
  if (placed.receipt != nullptr) placed.receipt->run({home.member_count(), placed.position});
}

// The room must not be blocked. Throws std::bad_alloc if memory runs out; then nothing has changed
// that a second call would not do.
void Shard::go_on_after(RoomHome& home, const Position& last, bool kept_back) {
  begin_epoch(home, last);
  if (!kept_back && home.history() != nullptr) home.history()->ring.clear();
}

// The engine's calls

void Shard::opened(RoomHome& home, const Position& last, std::span<const KeptMessage> kept) {
  if (!home.opened) {
    // A room that was closed under its members, or with messages that wait, has no beginning.
    RoomLine* const line = waiting_.find(home.name());
    bool begins = !home.has_members() && !home.has_pending();
    if (line != nullptr) {
      line->queue.for_each([&](const Mail& mail) {
        begins = begins && !std::holds_alternative<PlacedMail>(mail.body);
      });
    }
    if (begins) {
      owned_rooms_.restore_kept(home, last, kept);
    } else {
      missed(home, last, false);
    }
  }
  home.opened = true;
  home.live = true;
  if (RoomLine* const line = waiting_.find(home.name());
      line != nullptr && line->parked != nullptr) {
    line->parked->is_live();
    parked_due_ = true;
  }
  waiting_due_ = true;
}

void Shard::placed(RoomHome& home, PublishTicket ticket, const Position& position) {
  RoomLine* const line = waiting_.find(home.name());
  WSD_ASSERT(line != nullptr && !line->unplaced.empty());
  auto* const publish = std::get_if<PublishMail>(&line->unplaced.front().body);
  WSD_ASSERT(publish != nullptr && publish->ticket == ticket);
  PlacedMail placed{std::move(publish->room),
                    std::move(publish->frame),
                    std::move(publish->receipt),
                    position,
                    owned_rooms_.now(),
                    false,
                    false,
                    publish->except};
  line->unplaced.front().body = std::move(placed);
  release_placed(*line);
}

void Shard::failed(RoomHome& home, PublishTicket ticket, PublishFailure why) noexcept {
  switch (why) {
    case PublishFailure::kRefused:
      answer_publish(home, ticket, kRefusedTicket, {});
      break;
    case PublishFailure::kUnknown:
      answer_publish(home, ticket, kUnknownTicket, {});
      break;
    case PublishFailure::kKeyUsed:
      answer_publish(home, ticket, kKeyTicket, kKeyUsedPosition);
      break;
  }
}

void Shard::repeated(RoomHome& home, PublishTicket ticket, const Position& position) noexcept {
  answer_publish(home, ticket, kKeyTicket, position);
}

// The publish without a position is answered in its order. `told` says how, and `position` is the
// answer of kKeyTicket.
void Shard::answer_publish(RoomHome& home, PublishTicket ticket, std::uint64_t told,
                           const Position& position) noexcept {
  RoomLine* const line = waiting_.find(home.name());
  WSD_ASSERT(line != nullptr && !line->unplaced.empty());
  auto* const publish = std::get_if<PublishMail>(&line->unplaced.front().body);
  WSD_ASSERT(publish != nullptr && publish->ticket == ticket);
  publish->ticket = told;
  if (told == kKeyTicket) publish->key->answer = position;
  release_placed(*line);
}

void Shard::arrived(RoomHome& home, const Position& position, SharedBytes frame, Tick at) {
  const std::size_t bytes = frame.memory_bytes();
  RoomLine* const line = waiting_.find(home.name());
  if (line != nullptr && !line->queue.empty()) {
    auto mail = mail_of(
        PlacedMail{std::string(home.name()), std::move(frame), nullptr, position, at, true});
    line->queue.push(std::move(mail));
    count_arrived(bytes);
    return;
  }
  WSD_DCHECK(position.seq == home.last().seq + 1);
  if (!owned_rooms_.place(home, std::move(frame), 0, at)) return;
  home.arrived_bytes += bytes;
  count_arrived(bytes);
}

void Shard::missed(RoomHome& home, const Position& last, bool kept_back) {
  RoomLine* line = waiting_.find(home.name());
  if ((line == nullptr || line->queue.empty()) && !blocked(home)) {
    go_on_after(home, last, kept_back);
    return;
  }
  auto mail = mail_of(PlacedMail{std::string(home.name()), {}, nullptr, last, 0, true, kept_back});
  if (line == nullptr) line = &waiting_.line_of(home.name());
  line->queue.push(std::move(mail));
}

void Shard::lost(RoomHome& home) noexcept { home.live = false; }

void Shard::checked(RoomHome& home) noexcept {
  RoomLine* const line = waiting_.find(home.name());
  if (line == nullptr || line->parked == nullptr) return;
  line->parked->answered();
  parked_due_ = true;
  waiting_due_ = true;
}

void Shard::closed(RoomHome& home, bool failed) noexcept {
  RoomLine* const line = waiting_.find(home.name());
  if (line != nullptr) {
    MailQueue parked;
    if (line->parked != nullptr) {
      line->parked->release_all(
          [&](std::unique_ptr<Mail> mail) noexcept { parked.push(std::move(mail)); });
    }
    while (!line->queue.empty()) parked.push(line->queue.take());
    while (!parked.empty()) line->queue.push(parked.take());
    for (MailQueue* const queue : {&line->queue, &line->unplaced}) {
      queue->for_each([failed](Mail& mail) {
        auto* const join = std::get_if<JoinMail>(&mail.body);
        if (join == nullptr) return;
        join->check = failed ? JoinMail::Check::kFailed : JoinMail::Check::kNone;
      });
    }
    waiting_due_ = true;
  }
  if (home.has_members()) reopen_due_ = true;
  owned_rooms_.closed(home, line != nullptr);
}

// Queries of a room's state

// Takes the query out of `query`. Throws std::bad_alloc if memory runs out; then the query is still
// there, and the engine's answer is left out.
void Shard::ask_others(Mail& query) {
  auto waiting = std::make_unique<Mail>();
  const CountTicket ticket = order_->count(std::get<RoomStateMail>(query.body).room);
  std::unique_ptr<Mail>& place = counting_[ticket];
  waiting->body = std::move(query.body);
  waiting->cost = query.cost;
  place = std::move(waiting);
}

void Shard::counted(CountTicket ticket, const OtherNodes& others) noexcept {
  const auto found = counting_.find(ticket);
  if (found == counting_.end()) return;
  std::get<RoomStateMail>(found->second->body).others = others;
  counted_.push(std::move(found->second));
  counting_.erase(found);
  waiting_due_ = true;
}

// A listener may query again, but its answer never comes at once.
void Shard::answer_counted() noexcept {
  while (!counted_.empty()) {
    const std::unique_ptr<Mail> mail = counted_.take();
    const auto& query = std::get<RoomStateMail>(mail->body);
    RoomState state = owned_rooms_.state(query.room);
    state.members += query.others.members;
    if (is_later(query.others.last, state.last)) state.last = query.others.last;
    state.complete = query.others.complete;
    query.listener->run(state);
    leave_gate(GateKind::kPublish, mail->cost);
  }
}

// Messages of other nodes that are not sent yet

// `more` bytes wait in lines and rooms; a negative number of them, modulo 2^64, waits no more.
void Shard::count_arrived(std::size_t more) noexcept {
  arrived_bytes_ += more;
  const bool hold_back =
      arrived_bytes_ > (holding_back_ ? kMostArrivedBytes / 2 : kMostArrivedBytes);
  if (hold_back == holding_back_) return;
  holding_back_ = hold_back;
  order_->hold_back(hold_back);
}

void Shard::arrived_are_sent(RoomHome& home) noexcept {
  count_arrived(0 - std::exchange(home.arrived_bytes, 0));
}

// Mail with a position takes effect first, so that it is sent in this turn.
void Shard::end_order_turn() noexcept {
  if (parked_due_) release_parked();
  if (waiting_due_) run_waiting();
  if (reopen_due_) {
    reopen_due_ = false;
    try {
      owned_rooms_.reopen();
    } catch (const std::bad_alloc&) {
      reopen_due_ = true;
      retry_needed_ = true;
    }
  }
  order_->end_turn();
}

}  // namespace wsd::hub
