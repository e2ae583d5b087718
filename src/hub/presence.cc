#include "hub/presence.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace wsd::hub {

std::string member_id(std::uint64_t node, ConnectionId member) {
  std::array<char, 33> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%016llx%016llx",
                                  static_cast<unsigned long long>(node),
                                  static_cast<unsigned long long>(member)));
  return text.data();
}

// Learns whether a message was published. The room exists as long as the message is under way.
class Presence::Receipt final : public RoomStateCallback {
 public:
  Receipt(Presence& presence, Room& room, ConnectionId member, PresenceKind kind) noexcept
      : presence_(presence), room_(room), member_(member), kind_(kind) {}
  [[nodiscard]] PresenceKind kind() const noexcept { return kind_; }
  // A message with an unknown outcome may be published, so it counts as published: a leave without
  // a join does no harm, and a join without a leave does.
  void run(const RoomState& state) noexcept override {
    const bool published = state.last != kRefusedPosition && state.last != Position{};
    presence_.answered(room_, member_, kind_, published);
  }

 private:
  Presence& presence_;
  Room& room_;
  const ConnectionId member_;
  const PresenceKind kind_;
};

std::unique_ptr<Mail> Presence::message(Room& room, ConnectionId member, PresenceKind kind,
                                        std::string_view info) {
  SharedBytes frame;
  if (encoder_ != nullptr) {
    frame = encoder_->presence_frame({room.first, kind, member_id(before_.node, member), info});
  }
  auto receipt = std::make_unique<Receipt>(*this, room, member, kind);
  return mail_of(
      PublishMail{room.first, std::move(frame), std::move(receipt), kNoPublisher, 0, nullptr, 0});
}

void Presence::joined(std::string_view name, ConnectionId member, std::string_view info) {
  auto room = rooms_.find(name);
  if (room == rooms_.end()) room = rooms_.try_emplace(std::string(name), before_).first;
  auto place = room->second.end();
  try {
    place = room->second.try_emplace(member).first;
    std::string copy(info);
    std::unique_ptr<Mail> joined = message(*room, member, PresenceKind::kJoined, info);
    place->second.info = std::move(copy);
    add(*room, place, std::move(joined));
  } catch (...) {
    drop_if_unused(*room, place);
    throw;
  }
}

void Presence::left(std::string_view name, ConnectionId member) {
  const auto room = rooms_.find(name);
  if (room == rooms_.end()) return;
  const auto place = room->second.find(member);
  if (place == room->second.end()) return;
  add(*room, place, message(*room, member, PresenceKind::kLeft, place->second.info));
}

void Presence::add(Room& room, Members::iterator member, std::unique_ptr<Mail> message) noexcept {
  sink_.count_presence(*message);
  member->second.waiting.push(std::move(message));
  if (!member->second.under_way) go_on(room, member);
}

void Presence::answered(Room& room, ConnectionId member, PresenceKind kind,
                        bool published) noexcept {
  const auto place = room.second.find(member);
  WSD_ASSERT(place != room.second.end() && place->second.under_way);
  Entry& entry = place->second;
  entry.under_way = false;
  entry.listed = kind == PresenceKind::kJoined;
  entry.announced = published && entry.listed;  // a second leave has no join to follow
  go_on(room, place);
}

// Publishes the next message of the member. A message without a text, and a leave without the
// message of its join, only change the list.
void Presence::go_on(Room& room, Members::iterator member) noexcept {
  Entry& entry = member->second;
  while (!entry.waiting.empty()) {
    std::unique_ptr<Mail> mail = entry.waiting.take();
    const auto& publish = std::get<PublishMail>(mail->body);
    const bool joins =
        static_cast<const Receipt&>(*publish.receipt).kind() == PresenceKind::kJoined;
    if (publish.frame && (joins || entry.announced)) {
      entry.under_way = true;
      sink_.publish_presence(std::move(mail));
      return;
    }
    entry.listed = joins;
    entry.announced = false;
    sink_.drop_presence(std::move(mail));
  }
  drop_if_unused(room, member);
}

// `member` may be the end of the room's members.
void Presence::drop_if_unused(Room& room, Members::iterator member) noexcept {
  if (member != room.second.end()) {
    const Entry& entry = member->second;
    if (entry.listed || entry.under_way || !entry.waiting.empty()) return;
    room.second.erase(member);
  }
  if (room.second.empty()) rooms_.erase(rooms_.find(room.first));
}

RoomMembers Presence::page(std::string_view name, const MembersQuery& query) const {
  RoomMembers page;
  page.presence = true;
  const auto room = rooms_.find(name);
  if (room == rooms_.end()) return page;
  const std::size_t limit = std::clamp(query.limit, std::uint32_t{1}, kMaxMembersPage);
  const Members& members = room->second;
  const auto first =
      query.after.empty() ? members.begin() : members.upper_bound(std::string_view(query.after));
  for (auto each = first; each != members.end() && !page.more; ++each) {
    if (!each->second.listed) continue;
    if (page.members.size() == limit) {
      page.more = true;
    } else {
      page.members.push_back({member_id(before_.node, each->first), each->second.info});
    }
  }
  return page;
}

}  // namespace wsd::hub
