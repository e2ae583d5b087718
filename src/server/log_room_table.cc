#include "server/log_room_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace wsd::server {
namespace {

// A record has this share in the mean size of its room's records.
constexpr std::uint64_t kMeanShare = 16;

}  // namespace

bool LogRoom::is_live(std::uint64_t epoch, std::uint64_t seq) const noexcept {
  if (seq < oldest_ || seq > last_) return false;
  for (auto later = epochs_.rbegin(); later != epochs_.rend() && later->epoch > epoch; ++later) {
    if (seq > later->from) return false;
  }
  return true;
}

bool LogRoom::is_removed(std::uint64_t seq) const noexcept {
  return std::binary_search(removed_.begin(), removed_.end(), seq);
}

void LogRoomTable::restore(const engine::RecoveredRoom& room) {
  Restored& restored = restored_[room.name];
  restored.epochs = room.epochs;
  restored.last = room.last.seq;
  restored.has_messages = !room.messages.empty();
  std::uint64_t bytes = 0;
  for (const engine::RecoveredMessage& message : room.messages) {
    bytes += message.frame.size();
    if (!message.frame) restored.removed.push_back(message.seq);
  }
  constexpr std::uint64_t kRecordBytes = 40;  // without the frame
  if (!room.messages.empty()) restored.mean_bytes = bytes / room.messages.size() + kRecordBytes;
}

std::vector<std::unique_ptr<LogRoom>> LogRoomTable::take_left_out() {
  std::vector<std::unique_ptr<LogRoom>> left_out;
  for (auto& [name, restored] : restored_) {
    if (!restored.has_messages) continue;
    auto room = std::make_unique<LogRoom>(name);
    room->epochs_ = std::move(restored.epochs);
    room->last_ = restored.last;
    left_out.push_back(std::move(room));
  }
  std::unordered_map<std::string, Restored> none;
  restored_.swap(none);
  return left_out;
}

void LogRoomTable::take_restored(LogRoom& room) {
  const auto found = restored_.find(room.name_);
  if (found == restored_.end()) return;
  Restored& restored = found->second;
  room.epochs_ = std::move(restored.epochs);
  room.removed_ = std::move(restored.removed);
  room.last_ = restored.last;
  room.mean_bytes_ = restored.mean_bytes;
  room.is_logged = true;
  restored_.erase(found);
}

LogRoom& LogRoomTable::declare(std::uint32_t shard, engine::RoomNumber number,
                               std::string_view name, const Position& last, std::uint64_t from) {
  LogRoom* known = at(shard, number);
  if (known != nullptr && known->name_ != name) {
    static_cast<void>(end(shard, number));
    known = nullptr;
  }
  if (known == nullptr) {
    if (shard >= shards_.size()) shards_.resize(std::size_t{shard} + 1);
    auto& rooms = shards_[shard];
    if (number >= rooms.size()) rooms.resize(std::size_t{number} + 1);
    auto room = std::make_unique<LogRoom>(name);
    take_restored(*room);
    // The key is the name of the room itself, so an earlier room takes its key with it.
    by_name_.erase(room->name_);
    by_name_.emplace(room->name_, room.get());
    known = room.get();
    rooms[number] = std::move(room);
  }
  LogRoom& room = *known;
  if (room.epochs_.empty() || room.epochs_.back().epoch < last.epoch) {
    room.epochs_.push_back({last.epoch, from});
    if (room.last_ > from) room.last_ = from;
    if (!room.keeps_messages()) room.last_ = std::max(from, last.seq);
    const auto valid = std::upper_bound(room.removed_.begin(), room.removed_.end(), from);
    room.removed_.erase(valid, room.removed_.end());
    room.declared_in = 0;
  }
  forget_dead(room);
  estimate(room);
  return room;
}

std::unique_ptr<LogRoom> LogRoomTable::end(std::uint32_t shard,
                                           engine::RoomNumber number) noexcept {
  LogRoom* const room = at(shard, number);
  if (room == nullptr) return nullptr;
  live_bytes_ -= room->live_bytes_;
  const auto found = by_name_.find(room->name_);
  if (found != by_name_.end() && found->second == room) by_name_.erase(found);
  room->oldest_ = LogRoom::kNone;
  return std::move(shards_[shard][number]);
}

LogRoom* LogRoomTable::find(std::string_view name) const noexcept {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void LogRoomTable::remember(LogRoom& room) const noexcept {
  if (room.group_ == group_) return;
  room.group_ = group_;
  room.oldest_before_ = room.oldest_;
  room.last_before_ = room.last_;
}

void LogRoomTable::undo_group() noexcept {
  for (const auto& rooms : shards_) {
    for (const auto& room : rooms) {
      if (room == nullptr || room->group_ != group_) continue;
      room->oldest_ = room->oldest_before_;
      room->last_ = room->last_before_;
      estimate(*room);
    }
  }
  begin_group();
}

void LogRoomTable::forget_logged() noexcept {
  for (const auto& rooms : shards_) {
    for (const auto& room : rooms) {
      if (room != nullptr) room->logged_kept_from = 0;
    }
  }
}

void LogRoomTable::keep_from(LogRoom& room, std::uint64_t oldest) noexcept {
  remember(room);
  room.oldest_ = oldest;
  forget_dead(room);
  estimate(room);
}

void LogRoomTable::add(LogRoom& room, std::uint64_t seq, std::uint64_t oldest,
                       std::size_t bytes) noexcept {
  remember(room);
  room.last_ = seq;
  if (room.oldest_ != oldest) {
    room.oldest_ = oldest;
    forget_dead(room);
  }
  if (room.mean_bytes_ == 0) {
    room.mean_bytes_ = bytes;
  } else {
    room.mean_bytes_ = (room.mean_bytes_ * (kMeanShare - 1) + bytes) / kMeanShare;
  }
  estimate(room);
}

void LogRoomTable::remove(LogRoom& room, std::uint64_t seq, bool all_before) {
  if (room.oldest_ == LogRoom::kNone) return;
  std::vector<std::uint64_t>& removed = room.removed_;
  if (!all_before) {
    const auto at = std::lower_bound(removed.begin(), removed.end(), seq);
    if (at == removed.end() || *at != seq) removed.insert(at, seq);
    return;
  }
  if (seq < room.oldest_) return;
  std::vector<std::uint64_t> all;
  for (std::uint64_t each = room.oldest_; each <= std::min(seq, room.last_); ++each) {
    all.push_back(each);
  }
  all.insert(all.end(), std::upper_bound(removed.begin(), removed.end(), seq), removed.end());
  removed.swap(all);
}

void LogRoomTable::estimate(LogRoom& room) noexcept {
  const std::uint64_t live =
      room.last_ >= room.oldest_ ? (room.last_ - room.oldest_ + 1) * room.mean_bytes_ : 0;
  live_bytes_ = live_bytes_ - room.live_bytes_ + live;
  room.live_bytes_ = live;
}

void LogRoomTable::forget_dead(LogRoom& room) noexcept {
  std::vector<std::uint64_t>& removed = room.removed_;
  if (!removed.empty() && removed.front() < room.oldest_ && room.oldest_ != LogRoom::kNone) {
    removed.erase(removed.begin(), std::lower_bound(removed.begin(), removed.end(), room.oldest_));
  }
  // All records of an epoch are dead if a later epoch takes over below the oldest live message.
  std::vector<engine::RecoveredEpoch>& epochs = room.epochs_;
  std::size_t dead = 0;
  for (std::size_t i = 1; i < epochs.size(); ++i) {
    if (epochs[i].from < room.oldest_) dead = i;
  }
  if (dead != 0 && room.oldest_ != LogRoom::kNone) {
    epochs.erase(epochs.begin(), epochs.begin() + static_cast<std::ptrdiff_t>(dead));
  }
}

}  // namespace wsd::server
