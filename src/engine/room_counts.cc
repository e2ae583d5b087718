#include "engine/room_counts.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "engine/question_text.h"
#include "engine/redis_room.h"

namespace wsd::engine {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

bool is_later(const Position& a, const Position& b) noexcept {
  return a.epoch != b.epoch ? a.epoch > b.epoch : a.seq > b.seq;
}

}  // namespace

RoomCounts::RoomCounts(const NodeName& node, std::uint8_t question, std::uint8_t answer,
                       CountsOwner& owner, hub::OrderSink& sink)
    : name_(text_of(node)), question_(question), answer_(answer), owner_(owner), sink_(sink) {}

std::string RoomCounts::channel_of(std::string_view key) const {
  return std::string(key) + '?' + name_;
}

RoomCounts::Room* RoomCounts::asked(std::uint64_t id) noexcept {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void RoomCounts::is_due(std::uint64_t at_ms) noexcept {
  next_due_ms_ = std::min(next_due_ms_, at_ms);
}

// Asking

// Returns the room, or nullptr if there are too many.
RoomCounts::Room* RoomCounts::room_of(std::string&& key) {
  const auto found = rooms_.find(key);
  if (found != rooms_.end()) return &found->second;
  if (rooms_.size() >= kMostRooms) {
    // Rooms whose answer is no longer fresh are kept for their subscriptions only.
    forget_unused(kFreshMs);
    if (rooms_.size() >= kMostRooms) return nullptr;
  }
  const auto added = rooms_.try_emplace(std::move(key)).first;
  added->second.key = added->first;
  return &added->second;
}

hub::CountTicket RoomCounts::ask(std::string key) {
  Room* const room = owner_.link_for(key) == nullptr ? nullptr : room_of(std::move(key));
  if (room == nullptr) {
    ready_.push_back({ticket_ + 1, {0, {}, false}});
    return ++ticket_;
  }
  room->used_ms = now_ms_;
  is_due(now_ms_ + kKeptMs);
  if (room->id == 0 && room->answered_ms != 0 && now_ms_ < room->answered_ms + kFreshMs) {
    ready_.push_back({ticket_ + 1, room->others});
    return ++ticket_;
  }
  room->waiting.push_back(ticket_ + 1);
  if (room->id == 0) {
    try {
      begin(*room);
    } catch (...) {
      room->waiting.pop_back();
      throw;
    }
  }
  return ++ticket_;
}

// Begins a question.
void RoomCounts::begin(Room& room) {
  const std::uint64_t id = ids_ + 1;
  to_send_.push_back(id);
  try {
    by_id_.try_emplace(id, &room);
  } catch (...) {
    to_send_.pop_back();
    throw;
  }
  ids_ = room.id = id;
  room.asked_ms = now_ms_;
  room.sent = false;
  room.receivers = room.answers = 0;
  room.others = {};
  is_due(now_ms_ + kAnswerMs);
}

void RoomCounts::subscribe(Room& room, RedisLink& link) {
  if (room.link == &link) return;
  link.send_unanswered({"SSUBSCRIBE", channel_of(room.key)});
  room.link = &link;
}

RedisLink* RoomCounts::listen(std::string_view key) {
  RedisLink* const link = owner_.link_for(key);
  Room* const room = link == nullptr ? nullptr : room_of(std::string(key));
  if (room == nullptr) return nullptr;
  room->used_ms = now_ms_;
  is_due(now_ms_ + kKeptMs);
  subscribe(*room, *link);
  return link;
}

void RoomCounts::send(Room& room) {
  RedisLink* const link = owner_.link_for(room.key);
  if (link == nullptr) {
    finish(room, false);
    return;
  }
  const std::string question = '?' + name_ + ' ' + std::to_string(room.id);
  subscribe(room, *link);
  room.gets_own = owner_.is_subscribed(room.key);
  link->send({question_, 0, room.id}, {"SPUBLISH", room.key, question});
}

void RoomCounts::end_turn() noexcept {
  for (const Ready& each : ready_) sink_.counted(each.ticket, each.others);
  ready_.clear();
  try {
    while (!to_send_.empty()) {
      if (Room* const room = asked(to_send_.back())) send(*room);
      to_send_.pop_back();
    }
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the next turn goes on
  }
}

// Its answers

void RoomCounts::replied(std::uint64_t id, RespValue reply) noexcept {
  Room* const room = asked(id);
  if (room == nullptr) return;
  const RespNode& node = reply.front();
  if (node.type != RespType::kNumber || node.number < (room->gets_own ? 1 : 0)) {
    finish(*room, false);
    return;
  }
  room->sent = true;
  room->receivers = static_cast<std::uint64_t>(node.number) - (room->gets_own ? 1 : 0);
  finish_if_complete(*room);
}

void RoomCounts::answered(std::string_view payload) noexcept {
  const auto id = number_of(take_word(payload));
  const auto members = number_of(take_word(payload));
  const auto last = place_of_id(payload);
  if (!id || !members || !last || *members > std::numeric_limits<std::uint32_t>::max()) return;
  Room* const room = asked(*id);
  if (room == nullptr) return;
  ++room->answers;
  room->others.members += *members;
  if (is_later(*last, room->others.last)) room->others.last = *last;
  finish_if_complete(*room);
}

void RoomCounts::finish_if_complete(Room& room) noexcept {
  if (room.sent && room.answers >= room.receivers) finish(room, settled());
}

void RoomCounts::finish(Room& room, bool complete) noexcept {
  by_id_.erase(std::exchange(room.id, 0));
  room.answered_ms = now_ms_;
  room.others.complete = complete;
  for (const hub::CountTicket each : room.waiting) sink_.counted(each, room.others);
  room.waiting.clear();
}

// Time, and the end of links

// Forgets the rooms that were not asked for within this time.
void RoomCounts::forget_unused(std::uint64_t ms) noexcept {
  for (auto each = rooms_.begin(); each != rooms_.end();) {
    Room& room = each->second;
    const bool forgets = room.id == 0 && now_ms_ >= room.used_ms + ms && unsubscribe(room);
    each = forgets ? rooms_.erase(each) : std::next(each);
  }
}

// Returns false if out of memory; nothing has changed then.
bool RoomCounts::unsubscribe(Room& room) noexcept {
  if (room.link == nullptr) return true;
  try {
    room.link->send_unanswered({"SUNSUBSCRIBE", channel_of(room.key)});
  } catch (const std::bad_alloc&) {
    return false;
  }
  room.link = nullptr;
  return true;
}

void RoomCounts::on_time() noexcept {
  if (now_ms_ < next_due_ms_) return;
  next_due_ms_ = kNever;
  for (auto& [key, room] : rooms_) {
    if (room.id != 0 && now_ms_ >= room.asked_ms + kAnswerMs) finish(room, false);
  }
  forget_unused(kKeptMs);
  for (const auto& [key, room] : rooms_) {
    const std::uint64_t at = room.id != 0 ? room.asked_ms + kAnswerMs : room.used_ms + kKeptMs;
    is_due(at > now_ms_ ? at : now_ms_ + kAnswerMs);  // later, if it had no memory to unsubscribe
  }
}

void RoomCounts::link_down(const RedisLink& link) noexcept {
  for (auto& [key, room] : rooms_) {
    if (room.link != &link) continue;
    room.link = nullptr;
    room.answered_ms = 0;  // nodes may have gone with the server
    if (room.id != 0) {
      finish(room, false);
      room.answered_ms = 0;
    }
  }
}

void RoomCounts::unsubscribed(std::string_view channel) noexcept {
  const std::size_t name = channel.rfind('?');
  if (name == std::string_view::npos) return;
  const auto found = rooms_.find(channel.substr(0, name));
  if (found != rooms_.end()) found->second.link = nullptr;
}

// Questions of other nodes

void RoomCounts::answer(RedisLink& link, std::string_view key, std::string_view question,
                        std::size_t members, const Position& last) noexcept {
  question.remove_prefix(1);
  const std::string_view node = take_word(question);
  if (node == name_ || !is_node_name(node) || !number_of(question)) return;
  try {
    const std::string channel = std::string(key) + '?' + std::string(node);
    const std::string text =
        std::string(question) + ' ' + std::to_string(members) + ' ' + id_of(last);
    link.send({answer_, 0, 0}, {"SPUBLISH", channel, text});
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the asker does not wait long
  }
}

}  // namespace wsd::engine
