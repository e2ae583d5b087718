// The shard's side of presence: the joins and leaves of rooms whose home is here, their messages,
// and pages of members; see presence.h.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <variant>

#include "hub/hub.h"
#include "hub/members_page.h"
#include "hub/shard.h"

namespace wsd::hub {
namespace {

constexpr std::size_t kMostAfterBytes = 64;  // of a query that goes to other nodes

}  // namespace

void Shard::set_presence_encoder(PresenceEncoder* encoder) noexcept {
  if (presence_ != nullptr) presence_->set_encoder(encoder);
}

// The member has been counted, and is not any more if memory runs out.
[[gnu::noinline]] void Shard::announce_join(std::string_view room, const Joiner& joiner) {
  if (!owned_rooms_.has_presence(room)) return;
  try {
    presence_->joined(room, joiner.member, joiner.info);
  } catch (...) {
    owned_rooms_.leave(room, joiner.shard, joiner.encoding);
    throw;
  }
}

// Takes the member out of a room whose home is here. Throws std::bad_alloc if memory runs out and
// the room has presence; then nothing has changed.
void Shard::leave_owned(std::string_view room, ConnectionId member, std::uint32_t shard,
                        Encoding encoding) {
  if (presence_ != nullptr) presence_->left(room, member);
  owned_rooms_.leave(room, shard, encoding);
}

// The message may overfill the gate, because the join or leave that causes it has happened. Each of
// them causes one message, and a closed gate pauses the connections that cause joins.
void Shard::count_presence(Mail& message) noexcept {
  const auto& publish = std::get<PublishMail>(message.body);
  message.cost = costs_.of(1, bytes_held(publish.room.size(), publish.frame.size()));
  static_cast<void>(enter_publish_gate(*this, message.cost));
}

// By the mailbox, because a join or leave may happen while a handler runs or mail is handled. So
// the message goes the way of every other one, also with an engine.
void Shard::publish_presence(std::unique_ptr<Mail> message) noexcept { post(std::move(message)); }

void Shard::drop_presence(std::unique_ptr<Mail> message) noexcept {
  leave_gate(GateKind::kPublish, message->cost);
}

RoomMembers Shard::members_here(std::string_view room, const MembersQuery& query) const {
  if (!owned_rooms_.has_presence(room)) return {};
  RoomMembers page = presence_->page(room, query);
  page.last = owned_rooms_.state(room).last;
  return page;
}

PublishOutcome Shard::members(std::string_view room, MembersQuery query,
                              std::unique_ptr<MembersCallback> callback) {
  const std::uint32_t home = hub_.home_of(room);
  const std::size_t payload = page_bytes(query);
  auto mail = mail_of(MembersMail{std::string(room), std::move(query), std::move(callback)});
  if (home != index_ || order_ != nullptr || waiting_.has(room)) {
    return send_home(home, room, payload, std::move(mail));
  }
  handle(std::get<MembersMail>(mail->body));
  return PublishOutcome::kAccepted;
}

void Shard::handle(MembersMail& mail) { mail.callback->run(members_here(mail.room, mail.query)); }

// With an order engine, the other nodes list their members too. Takes the query out of `mail`.
// Throws std::bad_alloc if memory runs out; then the query is still there, and the engine's answer
// is left out.
void Shard::ask_for_members(Mail& mail) {
  auto& body = std::get<MembersMail>(mail.body);
  body.query.limit = std::clamp(body.query.limit, std::uint32_t{1}, kMaxMembersPage);
  // Ids are shorter, so the rest of a longer text selects nothing.
  if (body.query.after.size() > kMostAfterBytes) body.query.after.resize(kMostAfterBytes);
  auto query = std::make_unique<Mail>();
  const RoomHome* const home = owned_rooms_.find(body.room);
  const Position last = owned_rooms_.state(body.room).last;
  Listing& listing = listing_[order_->list(body.room, body.query)];
  query->body = std::move(mail.body);
  query->cost = mail.cost;
  listing.query = std::move(query);
  listing.last = last;
  listing.opened = home != nullptr && home->opened;
}

void Shard::listed(ListTicket ticket, RoomMembers&& others) noexcept {
  const auto found = listing_.find(ticket);
  if (found == listing_.end()) return;
  found->second.others = std::move(others);
  waiting_due_ = true;
}

// A room that is not open here has only a former position, and those of other nodes are newer.
RoomMembers Shard::members_of(const RoomHome& home, const MembersQuery& query) const {
  RoomMembers page = members_here(home.name(), query);
  if (!home.opened) page.last = {};
  return page;
}

RoomMembers Shard::members_everywhere(Listing& listing) const {
  const auto& query = std::get<MembersMail>(listing.query->body);
  RoomMembers page = members_here(query.room, query.query);
  page.last = listing.opened ? listing.last : Position{};
  if (page.presence) merge_members(page, *std::move(listing.others), query.query.limit);
  if (page.last == Position{}) page.last = listing.last;
  return page;
}

// A callback may query again, but its answer never comes at once.
void Shard::answer_listed() noexcept {
  for (auto each = listing_.begin(); each != listing_.end();) {
    Listing& listing = each->second;
    if (!listing.others) {
      ++each;
      continue;
    }
    try {
      std::get<MembersMail>(listing.query->body).callback->run(members_everywhere(listing));
    } catch (const std::bad_alloc&) {
      listing.others->complete = false;  // it may be gone in part
      retry_needed_ = true;
      waiting_due_ = true;
      return;
    }
    leave_gate(GateKind::kPublish, listing.query->cost);
    each = listing_.erase(each);
  }
}

}  // namespace wsd::hub
