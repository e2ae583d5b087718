#include "sim/history/observer.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace wsd::sim {
namespace {

constexpr std::string_view kMarks = "MGA";  // by Notice::Kind

}  // namespace

std::string notice_text(Notice::Kind kind, const Position& position, std::string_view text) {
  std::string frame(1, kMarks[static_cast<std::size_t>(kind)]);
  frame += position_text(position);
  frame += ' ';
  frame += text;
  return frame;
}

Notice parse_notice(std::string_view frame) {
  const std::size_t space = frame.find(' ');
  const std::size_t mark = frame.empty() ? kMarks.npos : kMarks.find(frame.front());
  if (mark == kMarks.npos || space == frame.npos)
    broken("a member gets bytes that nobody has sent");
  const auto position = parse_position(frame.substr(1, space - 1));
  if (!position) broken("a member gets bytes that nobody has sent");
  return {static_cast<Notice::Kind>(mark), *position, frame.substr(space + 1)};
}

// The messages

MessageId Observer::publish(int room, std::size_t filler) {
  messages_.push_back({.room = room, .filler = filler});
  return static_cast<MessageId>(messages_.size());
}

std::string Observer::text(MessageId id) const {
  const Message& message = messages_[id - 1];
  char mark[32];
  static_cast<void>(std::snprintf(mark, sizeof(mark), "<%08x.%d:", id, message.room));
  std::string text = mark;
  for (std::size_t i = 0; i < message.filler; ++i) {
    text += static_cast<char>('a' + (id * 7 + i) % 26);
  }
  text += '>';
  return text;
}

MessageId Observer::id_of(std::string_view text) const {
  MessageId id = 0;
  const char* const begin = text.data() + std::min<std::size_t>(1, text.size());
  const char* const end = text.data() + text.size();
  std::from_chars(begin, end, id, 16);
  if (id == 0 || id > messages_.size() || this->text(id) != text) {
    broken("a member gets %zu bytes that nobody has published", text.size());
  }
  return id;
}

Observer::Message& Observer::known(std::string_view text, int room, MessageId& id) {
  id = id_of(text);
  Message& message = messages_[id - 1];
  if (message.room != room) broken("message %u of room %d reaches room %d", id, message.room, room);
  if (message.refused != 0) broken("message %u was refused, and reaches a member", id);
  return message;
}

void Observer::place(int room, const Position& position, MessageId id) {
  Room& of = rooms_[static_cast<std::size_t>(room)];
  const auto [found, added] = of.places.try_emplace({position.epoch, position.seq}, id);
  if (added && (counting_ || mode_ == HistorySync::kEach)) {
    of.epoch = position.epoch;
    of.doubtful.clear();
  } else if (added) {
    of.doubtful.insert(position.epoch);
  }
  if (!added && found->second != id) {
    broken("position %s of room %d names messages %u and %u", position_text(position).c_str(), room,
           found->second, id);
  }
  Message& message = messages_[id - 1];
  if (message.seq != 0 && message.seq != position.seq) {
    broken("message %u has the numbers %lu and %lu", id, message.seq, position.seq);
  }
  message.seq = position.seq;
}

// Somebody sees the message for the first time.
void Observer::see(MessageId id, bool replayed) {
  Message& message = messages_[id - 1];
  if (message.seen != 0) return;
  message.seen = ++time_;
  ++seen_count_;
  const std::string bytes = text(id);
  if (mode_ == HistorySync::kEach) {
    // After a sync that has failed, the kernel may say that a message is stored which is not.
    message.required = disk_.is_stored(bytes);
    if (!message.required && !(replayed && disk_has_failed_)) {
      broken("message %u is seen, and the disk does not have it", id);
    }
  } else if (counting_) {
    if (!disk_.is_written(bytes)) broken("message %u is seen, and is not written", id);
    message.required = true;
  } else {
    message.in_doubt = true;
  }
}

void Observer::on_receipt(MessageId id, const Position& position) {
  if (blind()) return;
  Message& message = messages_[id - 1];
  if (position == kRefusedPosition) {
    if (message.seen != 0) broken("message %u is refused after it was seen", id);
    message.refused = ++time_;
    return;
  }
  if (position == Position{}) broken("message %u was discarded", id);
  place(message.room, position, id);
  see(id, false);
}

// The members

void Observer::check_not_removed(const Message& message, MessageId id, const Sight& sight) const {
  if (message.removed != 0 && message.removed < sight.joined) {
    broken("message %u was removed, and comes back", id);
  }
}

// A position notice stands for messages that were removed.
void Observer::check_skip(const Sight& sight, const Position& to) const {
  if (!sight.at) return;
  if (sight.at->epoch != to.epoch || sight.at->seq > to.seq) {
    broken("a member at %s is told that it is at %s", position_text(*sight.at).c_str(),
           position_text(to).c_str());
  }
  const auto& places = rooms_[static_cast<std::size_t>(sight.room)].places;
  for (auto each = places.upper_bound({to.epoch, sight.at->seq});
       each != places.end() && each->first <= std::pair(to.epoch, to.seq); ++each) {
    if (!messages_[each->second - 1].removal_asked) {
      broken("message %u is left out of a replay without notice", each->second);
    }
  }
}

void Observer::on_frame(Sight& sight, std::string_view frame, bool replayed) {
  if (blind()) return;
  const Notice notice = parse_notice(frame);
  if (notice.kind == Notice::Kind::kGap) {
    sight.gap_told = true;
    sight.at = notice.position;
    return;
  }
  if (notice.kind == Notice::Kind::kPosition) {
    check_skip(sight, notice.position);
    sight.at = notice.position;
    return;
  }
  MessageId id = 0;
  const Message& message = known(notice.text, sight.room, id);
  place(sight.room, notice.position, id);
  if (sight.at &&
      (sight.at->epoch != notice.position.epoch || sight.at->seq + 1 != notice.position.seq)) {
    broken("a member of room %d at %s gets message %u at %s without notice of a gap", sight.room,
           position_text(*sight.at).c_str(), id, position_text(notice.position).c_str());
  }
  sight.at = notice.position;
  if (replayed) check_not_removed(message, id, sight);
  see(id, replayed);
}

void Observer::on_plain(const Sight& sight, std::string_view text, bool replayed) {
  if (blind()) return;
  MessageId id = 0;
  const Message& message = known(text, sight.room, id);
  if (replayed) check_not_removed(message, id, sight);
  see(id, replayed);
}

// Removals

void Observer::on_removal_asked(int room, const std::optional<Position>& message) {
  Room& of = rooms_[static_cast<std::size_t>(room)];
  if (!message) {
    ++of.open_removals;
    return;
  }
  const auto found = of.places.find({message->epoch, message->seq});
  if (found != of.places.end()) messages_[found->second - 1].removal_asked = true;
}

// The home shard answers receipts and removals in the order of the room. So a removal of all
// messages has removed those that were seen.
void Observer::on_removal_answered(int room, const std::optional<Position>& message,
                                   const std::optional<std::size_t>& removed) {
  if (blind()) return;
  Room& of = rooms_[static_cast<std::size_t>(room)];
  if (!message) {
    if (!removed) return;  // it may be made all the same, if the log cannot be cut
    --of.open_removals;
    for (Message& each : messages_) {
      if (each.room != room || each.seen == 0) continue;
      each.removal_asked = true;
      each.removed = ++time_;
    }
    return;
  }
  const auto found = of.places.find({message->epoch, message->seq});
  if (found != of.places.end() && removed.value_or(0) != 0) {
    messages_[found->second - 1].removed = ++time_;
  }
}

// The lives

void Observer::forgive_refusals() noexcept {
  for (Message& each : messages_) each.refused = 0;
}

void Observer::forgive_after(std::uint64_t time) {
  for (Message& each : messages_) {
    if (each.seen > time) each.required = false;
    if (each.removed > time) each.removed = 0;
    if (each.refused > time) each.refused = 0;
  }
}

void Observer::on_started() noexcept {
  life_began_ = ++time_;
  cut_ = false;
  for (Message& each : messages_) each.refused_for_good = each.refused != 0;
}

void Observer::on_end_of_life(bool power_loss, bool uncut, std::uint32_t limit) {
  for (Message& each : messages_) {
    if (uncut && !each.refused_for_good) each.refused = 0;
  }
  // Then some of it may be back, with a hole before it.
  cut_ = cut_ || failed_;
  if (cut_ && uncut) forgive_all();
  const bool each_mode = mode_ == HistorySync::kEach;
  std::vector<std::uint64_t> last(rooms_.size());
  for (const Message& each : messages_) {
    auto& highest = last[static_cast<std::size_t>(each.room)];
    if (each.required) highest = std::max(highest, each.seq);
  }
  // The log may have messages that nobody has seen.
  for (const Message& each : messages_) {
    if (each.seen == 0) ++last[static_cast<std::size_t>(each.room)];
  }
  bool lost = false;
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    Message& each = messages_[i];
    if (!each.required) continue;
    if (each.seq + limit <= last[static_cast<std::size_t>(each.room)]) each.required = false;
    if (each_mode || !(power_loss || failed_)) continue;
    if (!disk_.is_stored(text(static_cast<MessageId>(i + 1)))) {
      each.required = false;
      lost = true;
    }
  }
  // A room keeps what comes after a hole, and a failing disk may leave one.
  if (lost && failed_) forgive_all();
  if (!each_mode && (power_loss || failed_)) {
    for (Message& each : messages_) {
      if (each.removed > life_began_) each.removed = 0;
    }
  }
  if (expires_) forgive_all();
  // A removal that was not answered may have been made.
  for (Message& each : messages_) {
    if (rooms_[static_cast<std::size_t>(each.room)].open_removals != 0) each.removal_asked = true;
  }
  for (Room& each : rooms_) each.open_removals = 0;
  counting_ = true;
  failed_ = failing_ = false;
}

void Observer::on_restored(int room, const std::vector<std::pair<MessageId, Position>>& replayed,
                           const Position& last, std::uint32_t limit) {
  std::set<MessageId> there;
  for (const auto& [id, position] : replayed) there.insert(id);
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    Message& each = messages_[i];
    const auto id = static_cast<MessageId>(i + 1);
    if (each.room != room || !each.required) continue;
    if (each.seq + limit <= last.seq) each.required = false;
    if (!each.required || each.removal_asked || there.contains(id)) continue;
    broken(
        "message %u at number %lu of room %d is lost; the room is at %s with %zu messages from "
        "number %lu on",
        id, each.seq, room, position_text(last).c_str(), replayed.size(),
        replayed.empty() ? 0 : replayed.front().second.seq);
  }
}

void Observer::check_epoch(int room, const Position& last) const {
  if (expires_) return;
  const Room& of = rooms_[static_cast<std::size_t>(room)];
  if (of.epoch != 0 && last.epoch != of.epoch && !of.doubtful.contains(last.epoch)) {
    broken("room %d was in epoch %lu, and goes on in %lu without need", room, of.epoch, last.epoch);
  }
}

void Observer::on_logged(int room, const Position& position, std::string_view text) const {
  const MessageId id = id_of(text);
  const auto& places = rooms_[static_cast<std::size_t>(room)].places;
  const auto found = places.find({position.epoch, position.seq});
  if (found != places.end() && found->second != id) {
    broken("the log has message %u at %s of room %d, where message %u was seen", id,
           position_text(position).c_str(), room, found->second);
  }
}

std::optional<Position> Observer::some_position(int room, std::uint64_t choice) const {
  const auto& places = rooms_[static_cast<std::size_t>(room)].places;
  if (places.empty()) return std::nullopt;
  // Mostly one of the latest.
  const std::size_t back = choice % 4 == 0 ? choice / 4 % places.size()
                                           : choice / 4 % std::min<std::size_t>(places.size(), 8);
  auto found = std::prev(places.end());
  std::advance(found, -static_cast<std::ptrdiff_t>(back));
  return Position{found->first.first, found->first.second};
}

}  // namespace wsd::sim
