// The shard's side of its engine: handing over, and the answers; see room_engine.h.
#include <new>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "hub/hub.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

// Returns the place of the ticket in mail that an engine may keep, or nullptr.
std::uint64_t* ticket_of(Mail& mail) noexcept {
  if (auto* const publish = std::get_if<PublishMail>(&mail.body)) return &publish->ticket;
  if (auto* const removal = std::get_if<RemovalMail>(&mail.body)) return &removal->ticket;
  return nullptr;
}

// Returns whether the engine has mail with this ticket, and has not answered yet.
bool is_outstanding(std::uint64_t ticket, Ticket kept) noexcept {
  return ticket != 0 && is_of_engine(ticket) && ticket > kept;
}

constexpr bool keeps_in(EngineTerm term) noexcept { return term % 2 == 0; }

// Returns the change of epoch that is due with this mail, or nullptr.
const RoomLine::EpochChange* due_change(const RoomLine& line, const Mail& mail) noexcept {
  const auto* const publish = std::get_if<PublishMail>(&mail.body);
  if (publish == nullptr || publish->ticket == 0 || !is_of_engine(publish->ticket)) {
    return nullptr;
  }
  const RoomLine::EpochChange* due = nullptr;
  for (const RoomLine::EpochChange& each : line.changes) {
    if (each.ticket <= publish->ticket) due = &each;
  }
  return due;
}

}  // namespace

void Shard::set_engine(RoomEngine* engine) noexcept {
  engine_ = engine;
  has_engine_ = engine != nullptr;
  owned_rooms_.set_engine(engine);
}

// Handing over

bool Shard::goes_to_engine(Mail& mail) noexcept {
  if (engine_ == nullptr) return false;
  if (auto* const publish = std::get_if<PublishMail>(&mail.body)) {
    return owned_rooms_.keeps(publish->room) && !is_repeat(*publish);
  }
  const auto* const removal = std::get_if<RemovalMail>(&mail.body);
  if (removal == nullptr) return false;
  const RoomHome* const home = owned_rooms_.find(removal->room);
  return home != nullptr && home->engine_number != 0;
}

// Throws std::bad_alloc if memory runs out; then nothing has changed, and a line that is empty has
// ended.
void Shard::hand_to_engine(RoomLine& line, Mail& mail) {
  try {
    if (auto* const publish = std::get_if<PublishMail>(&mail.body)) {
      hand_to_engine(line, *publish);
    } else {
      hand_to_engine(line, std::get<RemovalMail>(mail.body));
    }
  } catch (...) {
    waiting_.drop_if_empty(line.name);
    throw;
  }
}

void Shard::hand_to_engine(RoomLine& line, PublishMail& mail) {
  RoomHome& home = owned_rooms_.hold(mail.room);
  try {
    const Position last = home.last();
    Position position{line.changes.empty() ? last.epoch : line.changes.back().epoch,
                      last.seq + line.publishes + 1};
    // A room that the engine does not know has lost none of its messages. But if it had some
    // before, its epoch may be one of kept messages, and the next one may not be kept.
    const bool known = home.engine_number != 0;
    const bool changes = home.term != term_ && (known || (!keeps_in(term_) && position.seq != 1));
    std::uint64_t from = 0;
    if (changes) {
      line.changes.reserve(line.changes.size() + 2);  // lose() may add one
      position.epoch = owned_rooms_.new_epoch();
      // Unkept messages that took effect, in an odd term of the room, are a hole in the history.
      if (known && (engine_->refuses() || keeps_in(home.term))) from = position.seq - 1;
    }
    const std::uint64_t oldest = last.seq + 1 - home.history()->ring.size();
    if (mail.key != nullptr) keys().add(mail.room, *mail.key);
    try {
      mail.ticket = engine_->publish(home, position, oldest, from, mail.frame);
    } catch (...) {
      if (mail.key != nullptr) keys_->remove(mail.room, mail.key->text);
      throw;
    }
    if (changes) line.changes.push_back({mail.ticket, position.epoch});
  } catch (...) {
    if (line.home == nullptr) owned_rooms_.release(home);
    throw;
  }
  given_ = mail.ticket;
  home.term = term_;
  line.home = &home;
}

void Shard::hand_to_engine(RoomLine& line, RemovalMail& mail) {
  RoomHome& home = owned_rooms_.hold(mail.room);
  const Position last = home.last();
  const std::uint64_t epoch = line.changes.empty() ? last.epoch : line.changes.back().epoch;
  const bool all = !mail.what();
  // A position of another epoch, or one that was not given yet, names no message.
  const std::uint64_t newest = last.seq + line.publishes;
  const bool named = mail.message.epoch == epoch || mail.message.epoch == last.epoch;
  if (all || (named && mail.message.seq <= newest)) {
    try {
      mail.ticket = engine_->remove(home, all ? newest : mail.message.seq, all);
    } catch (...) {
      if (line.home == nullptr) owned_rooms_.release(home);
      throw;
    }
    given_ = mail.ticket;
  }
  line.home = &home;
}

void Shard::push(RoomLine& line, std::unique_ptr<Mail> mail) noexcept {
  if (order_ != nullptr) {
    push_ordered(line, std::move(mail));
    return;
  }
  const auto* const publish = std::get_if<PublishMail>(&mail->body);
  if (publish != nullptr && is_of_engine(publish->ticket)) ++line.publishes;
  // Mail that waits for nothing but its line.
  if (line.queue.empty() && engine_ != nullptr && !is_with_engine(*mail)) waiting_due_ = true;
  line.queue.push(std::move(mail));
}

// Answers

void Shard::kept(Ticket ticket) noexcept {
  WSD_DCHECK(ticket >= kept_ && ticket <= given_);
  kept_ = ticket;
  waiting_due_ = true;
}

void Shard::lost(EngineTerm term) noexcept {
  waiting_.for_each([&](RoomLine& line) noexcept { lose(line, term); });
  kept_ = given_;
  term_ = term;
  waiting_due_ = true;
}

// Messages that are not kept are refused, or take effect all the same. In the latter case they must
// not have positions of an epoch in which the engine keeps messages: after a restart it would give
// these positions again.
void Shard::lose(RoomLine& line, EngineTerm term) noexcept {
  const bool refuses = engine_->refuses();
  std::uint64_t first = 0;
  const auto refuse_it = [&](Mail& mail, std::uint64_t& ticket) {
    ticket = kRefusedTicket;
    const auto* const publish = std::get_if<PublishMail>(&mail.body);
    if (publish == nullptr) return;
    --line.publishes;
    if (publish->key != nullptr) keys_->remove(publish->room, publish->key->text);
  };
  line.queue.for_each([&](Mail& mail) {
    std::uint64_t* const ticket = ticket_of(mail);
    if (ticket == nullptr || !is_outstanding(*ticket, kept_)) return;
    if (refuses || std::holds_alternative<RemovalMail>(mail.body)) {
      refuse_it(mail, *ticket);
    } else if (first == 0) {
      first = *ticket;
    }
  });
  if (!refuses && !keeps_in(term_)) return;  // their epoch is already one of unkept messages
  std::erase_if(line.changes, [this](const auto& each) { return each.ticket > kept_; });
  if (first == 0) return;
  try {
    line.changes.push_back({first, owned_rooms_.new_epoch()});
    line.home->term = keeps_in(term) ? term - 1 : term;
  } catch (const std::bad_alloc&) {
    line.queue.for_each([&](Mail& mail) {
      std::uint64_t* const ticket = ticket_of(mail);
      if (ticket != nullptr && is_outstanding(*ticket, kept_)) refuse_it(mail, *ticket);
    });
  }
}

bool Shard::is_with_engine(const Mail& mail) const noexcept {
  const std::uint64_t* const ticket = ticket_of(const_cast<Mail&>(mail));
  return ticket != nullptr && is_outstanding(*ticket, kept_);
}

// Returns whether the room must begin a new epoch first, and cannot because a gate is closed.
bool Shard::change_is_blocked(const RoomLine& line, const Mail& mail) const noexcept {
  return blocked_targets_ != 0 && due_change(line, mail) != nullptr && blocked(*line.home);
}

void Shard::change_epoch(RoomLine& line, const Mail& mail) {
  const RoomLine::EpochChange* const due = due_change(line, mail);
  if (due == nullptr) return;
  begin_epoch(*line.home, {due->epoch, line.home->last().seq});
  line.changes.erase(line.changes.begin(), line.changes.begin() + (due - line.changes.data()) + 1);
}

// Handles mail that has waited in a line. Returns false if it must wait on.
bool Shard::handle_waiting(RoomLine& line, Mail& mail) noexcept {
  if (is_with_engine(mail) || gate_is_closed_for(mail) || change_is_blocked(line, mail)) {
    return false;
  }
  const auto* const publish = std::get_if<PublishMail>(&mail.body);
  const bool placed = publish != nullptr && is_of_engine(publish->ticket);
  // Before the message gets its position, because its receipt may publish the next message.
  if (placed) --line.publishes;
  try {
    change_epoch(line, mail);
    handle(mail);
    return true;
  } catch (const std::bad_alloc&) {
    if (placed) ++line.publishes;
    retry_needed_ = true;
    waiting_due_ = true;
    return false;
  }
}

// A message that is not published because of its key, or of its engine.
void Shard::answer_unplaced(PublishMail& mail) {
  if (mail.ticket == kKeyTicket && order_ == nullptr) find_answer(mail);
  if (mail.ticket != kKeyTicket) {
    refuse(mail);
  } else if (mail.receipt != nullptr) {
    mail.receipt->run({owned_rooms_.state(mail.room).members, mail.key->answer});
  }
}

// A message that the engine could not keep or place reaches nobody. Its publisher learns it.
void Shard::refuse(PublishMail& mail) {
  const bool unknown = mail.ticket == kUnknownTicket;
  if (mail.publisher != kNoPublisher) {
    const char* const reason =
        unknown ? "the message may be lost" : "the message could not be kept";
    hub_.shard(shard_of(mail.publisher))
        .post_close(CloseMail{mail.publisher, close_code_for(CloseCause::kPublishRefused), reason,
                              CloseCause::kPublishRefused});
  }
  stats_.refused.add(1);
  if (mail.receipt != nullptr) {
    mail.receipt->run({0, unknown ? kUnknownPosition : kRefusedPosition});
  }
}

}  // namespace wsd::hub
