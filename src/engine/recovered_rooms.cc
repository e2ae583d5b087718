#include "engine/recovered_rooms.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

#include "base/in_quotes.h"

namespace wsd::engine {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

}  // namespace

bool RecoveredRooms::add(const LogScan& scan, Bytes segment, bool only_known) {
  bool complete = declare(scan, only_known);
  const auto find = [this](const LogRecord& record) -> const Declared* {
    if (record.room >= declared_.size()) return nullptr;
    const Declared& declared = declared_[record.room];
    return declared.room == Declared::kNone ? nullptr : &declared;
  };
  // First the numbers from which the rooms keep messages, so that no other message is copied.
  visit_log_records(scan, segment, [&](const LogRecord& record) {
    if (record.type != LogRecordType::kMessage) return;
    const Declared* const declared = find(record);
    if (declared == nullptr) {
      complete = false;
      return;
    }
    if (declared->room == Declared::kDead || record.seq > declared->valid_up_to) return;
    Room& room = rooms_[declared->room];
    room.last_seq = std::max(room.last_seq, record.seq);
    room.oldest = std::max(room.oldest, record.oldest);
  });
  visit_log_records(scan, segment, [&](const LogRecord& record) {
    if (record.type != LogRecordType::kMessage && record.type != LogRecordType::kRemoval) return;
    const Declared* const declared = find(record);
    if (declared == nullptr) {
      complete = false;
      return;
    }
    if (declared->room == Declared::kDead) return;
    Room& room = rooms_[declared->room];
    if (record.type == LogRecordType::kMessage) {
      add_message(record, *declared);
    } else if (record.all_before) {
      room.removed_up_to =
          std::max(room.removed_up_to, std::min(record.seq, declared->valid_up_to));
    } else if (record.seq <= declared->valid_up_to && record.seq >= room.oldest) {
      room.removed.push_back(record.seq);
    }
  });
  return complete;
}

// Takes the room records of a segment. Returns whether each has a number of its own.
bool RecoveredRooms::declare(const LogScan& scan, bool only_known) {
  bool distinct = true;
  declared_.clear();
  for (const LogRecord& record : scan.declarations) {
    // The numbers count up. After damage some are missing, but not more than fit into the segment.
    const std::size_t most = scan.end / log_room_size(0);
    if (record.room > most ||
        (record.room < declared_.size() && declared_[record.room].room != Declared::kNone)) {
      distinct = false;
      continue;
    }
    if (record.room >= declared_.size()) declared_.resize(record.room + std::size_t{1});
    Declared& declared = declared_[record.room];
    const std::string_view name = as_text(record.bytes);
    auto known = numbers_.find(name);
    if (known == numbers_.end()) {
      if (only_known) {
        declared.room = Declared::kDead;
        continue;
      }
      rooms_.emplace_back();
      known = numbers_.emplace(name, static_cast<std::uint32_t>(rooms_.size() - 1)).first;
      rooms_.back().name = &known->first;
    }
    declared.room = known->second;
    declared.epoch = record.epoch;
    const auto [at, added] = rooms_[declared.room].epochs.try_emplace(record.epoch);
    at->second.from = added ? record.from : std::min(at->second.from, record.from);
  }
  // The limits of a room's epochs, from the newest to the oldest. Each room once.
  std::vector<std::uint32_t> touched;
  for (const Declared& declared : declared_) {
    if (declared.room < Declared::kDead) touched.push_back(declared.room);
  }
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const std::uint32_t number : touched) {
    std::uint64_t limit = kNoLimit;
    auto& epochs = rooms_[number].epochs;
    for (auto at = epochs.rbegin(); at != epochs.rend(); ++at) {
      at->second.valid_up_to = limit;
      limit = std::min(limit, at->second.from);
    }
  }
  for (Declared& declared : declared_) {
    if (declared.room >= Declared::kDead) continue;
    declared.valid_up_to = rooms_[declared.room].epochs.find(declared.epoch)->second.valid_up_to;
  }
  // The oldest number of an earlier epoch may be void, as its last messages are. So it does not
  // count.
  for (const LogRecord& record : scan.declarations) {
    if (record.room >= declared_.size() || declared_[record.room].room >= Declared::kDead) continue;
    Room& room = rooms_[declared_[record.room].room];
    if (record.epoch == room.epochs.rbegin()->first) {
      room.oldest = std::max(room.oldest, record.oldest);
    }
  }
  return distinct;
}

void RecoveredRooms::add_message(const LogRecord& record, const Declared& declared) {
  Room& room = rooms_[declared.room];
  if (record.seq == 0 || record.seq > declared.valid_up_to || record.seq < room.oldest) return;
  Message message{record.seq, declared.epoch, record.wall_ms, {}};
  if (!record.removed) {
    message.frame = SharedBytes::copy_of(record.bytes);
    if (!message.frame) throw std::bad_alloc();
  }
  room.messages.push_back(std::move(message));
  if (room.messages.size() >= room.tidy_at) tidy(room);
}

// Sorts the messages, leaves one of each number, and drops those that are no longer live. A message
// may be there twice, because compaction has written it again; then a removed one counts.
void RecoveredRooms::tidy(Room& room) {
  auto& messages = room.messages;
  const auto before = [](const Message& a, const Message& b) { return a.seq < b.seq; };
  if (!std::is_sorted(messages.begin(), messages.end(), before)) {
    std::stable_sort(messages.begin(), messages.end(), before);
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].seq < room.oldest) continue;
    if (count != 0 && messages[count - 1].seq == messages[i].seq) {
      if (!messages[i].frame) messages[count - 1].frame = {};
      continue;
    }
    if (count != i) messages[count] = std::move(messages[i]);
    ++count;
  }
  messages.resize(count);
  auto& removed = room.removed;
  std::sort(removed.begin(), removed.end());
  removed.erase(std::unique(removed.begin(), removed.end()), removed.end());
  constexpr std::size_t kLeast = 64;
  room.tidy_at = std::max(kLeast, 2 * count);
}

void RecoveredRooms::apply_removals(Room& room) noexcept {
  auto next = room.removed.begin();
  for (Message& message : room.messages) {
    while (next != room.removed.end() && *next < message.seq) ++next;
    const bool removed = next != room.removed.end() && *next == message.seq;
    if (removed || message.seq <= room.removed_up_to) message.frame = {};
  }
}

// Between two epochs, messages may be missing that the log could not keep: they are known to be no
// part of it. Compaction writes old messages again in the newest epoch, so `from` counts too.
bool RecoveredRooms::is_expected_hole(const Room& room, const Message& below,
                                      const Message& above) noexcept {
  if (below.epoch != above.epoch) return true;
  return std::any_of(room.epochs.begin(), room.epochs.end(),
                     [&](const auto& epoch) { return epoch.second.from == below.seq; });
}

bool RecoveredRooms::finish_room(Room& room, std::vector<RecoveredRoom>& rooms,
                                 std::vector<std::string>& damage) {
  tidy(room);
  apply_removals(room);
  const auto& [epoch, newest] = *room.epochs.rbegin();
  RecoveredRoom recovered;
  recovered.name = *room.name;
  for (const auto& [number, declared] : room.epochs) {
    recovered.epochs.push_back({number, declared.from});
  }
  recovered.last = {epoch, std::max(room.last_seq, newest.from)};
  recovered.from = newest.from;
  auto& messages = room.messages;
  bool epoch_whole = true;
  std::size_t first = messages.size();
  for (std::uint64_t wanted = recovered.last.seq; first != 0 && messages[first - 1].seq == wanted;
       --wanted) {
    --first;
  }
  if (first != 0) {
    const Message& below = messages[first - 1];
    const bool at_end = first == messages.size();
    const std::uint64_t above = at_end ? recovered.last.seq + 1 : messages[first].seq;
    if (at_end || !is_expected_hole(room, below, messages[first])) {
      recovered.damaged = true;
      epoch_whole = above - 1 <= newest.from;
      damage.push_back("room " + in_quotes(recovered.name) + ": its messages from " +
                       std::to_string(below.seq + 1) + " to " + std::to_string(above - 1) +
                       " are missing");
    }
  }
  recovered.messages.reserve(messages.size() - first);
  for (std::size_t i = first; i < messages.size(); ++i) {
    recovered.messages.push_back(
        {messages[i].seq, messages[i].wall_ms, std::move(messages[i].frame)});
  }
  std::vector<Message>().swap(messages);
  rooms.push_back(std::move(recovered));
  return epoch_whole;
}

bool RecoveredRooms::finish(std::vector<RecoveredRoom>& rooms, std::vector<std::string>& damage) {
  rooms.reserve(rooms.size() + rooms_.size());
  bool whole = true;
  for (Room& room : rooms_) whole = finish_room(room, rooms, damage) && whole;
  rooms_.clear();
  numbers_.clear();
  return whole;
}

}  // namespace wsd::engine
