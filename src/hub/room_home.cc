#include "hub/room_home.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace wsd::hub {

void RoomHome::add(std::uint32_t shard, Encoding encoding) {
  shards_.reserve(shards_.size() + 1);
  if (encoding != kIdentity) {
    encodings_.reserve(encodings_.size() + 1);
    encoding_members_.reserve(encodings_.size() + 1);
    const auto at = std::find(encodings_.begin(), encodings_.end(), encoding) - encodings_.begin();
    if (static_cast<std::size_t>(at) == encodings_.size()) {
      encodings_.push_back(encoding);
      encoding_members_.push_back(0);
    }
    ++encoding_members_[static_cast<std::size_t>(at)];
  }
  const auto found = std::find_if(shards_.begin(), shards_.end(),
                                  [&](const ShardCount& each) { return each.shard == shard; });
  if (found == shards_.end()) {
    shards_.push_back({shard, 1});
  } else {
    ++found->members;
  }
}

void RoomHome::remove(std::uint32_t shard, Encoding encoding) noexcept {
  if (encoding != kIdentity) {
    const auto at = std::find(encodings_.begin(), encodings_.end(), encoding) - encodings_.begin();
    WSD_ASSERT(static_cast<std::size_t>(at) < encodings_.size());
    if (--encoding_members_[static_cast<std::size_t>(at)] == 0) {
      encodings_.erase(encodings_.begin() + at);
      encoding_members_.erase(encoding_members_.begin() + at);
    }
  }
  const auto found = std::find_if(shards_.begin(), shards_.end(),
                                  [&](const ShardCount& each) { return each.shard == shard; });
  WSD_ASSERT(found != shards_.end());
  if (--found->members == 0) shards_.erase(found);
  if (has_members()) return;
  // A room that only its history keeps has no memory that the history does not count.
  shards_ = std::vector<ShardCount>();
  encodings_ = std::vector<Encoding>();
  encoding_members_ = std::vector<std::uint32_t>();
}

std::size_t RoomHome::member_count() const noexcept {
  std::size_t members = 0;
  for (const ShardCount& each : shards_) members += each.members;
  return members;
}

void RoomHome::keep_history(HistoryExpiryListener& keeper, std::size_t& total,
                            std::size_t room_bytes) {
  history_ = std::make_unique<TimedHistory>(keeper, *this, config_.history, total, room_bytes);
}

Missed RoomHome::missed(const Since& since, Tick now) noexcept {
  if (since.kind == Since::Kind::kNow) return {};
  std::size_t kept = 0;
  if (history_ != nullptr) {
    history_->ring.expire(now);
    kept = history_->ring.size();
  }
  if (since.kind == Since::Kind::kLast) {
    return {kept == 0 ? 0 : history_->ring.reach(since.count), false};
  }
  const Position last = sequencer_.last();
  // A position of another epoch, or one that was not assigned yet, says nothing about the history.
  if (since.position.epoch != last.epoch || since.position.seq > last.seq) return {kept, true};
  const std::uint64_t missed = last.seq - since.position.seq;
  if (missed > kept) return {kept, true};
  return {static_cast<std::size_t>(missed), false};
}

std::size_t RoomHome::remove(const std::optional<Position>& message, Tick now) noexcept {
  if (history_ == nullptr) return 0;
  RoomHistory& ring = history_->ring;
  ring.expire(now);
  if (!message) return ring.remove_all();
  const Position last = sequencer_.last();
  if (message->epoch != last.epoch || message->seq > last.seq) return 0;
  const std::uint64_t newer = last.seq - message->seq;
  return newer < ring.size() ? ring.remove(ring.size() - 1 - newer) : 0;
}

Position RoomHome::append(SharedBytes frame, std::uint64_t cost, Tick now) {
  if (history_ != nullptr) history_->ring.reserve(now);
  pending_.push_back(std::move(frame));
  pending_bytes_ += pending_.back().size();
  if (history_ != nullptr) history_->ring.append(pending_.back(), now);
  pending_cost_ += cost;
  return sequencer_.next();
}

extern "C" void wsd_append_to_room(RoomHome* home, SharedBytes* frame, std::uint64_t cost,
                                   Tick now) {
  home->append(std::move(*frame), cost, now);
}

void RoomHome::reserve_exclusion() {
  if (exclusions_.size() == exclusions_.capacity()) exclusions_.reserve(2 * exclusions_.size() + 1);
}

void RoomHome::exclude(ConnectionId member) noexcept {
  WSD_DCHECK(has_pending() && exclusions_.size() < exclusions_.capacity());
  exclusions_.push_back({member, static_cast<std::uint32_t>(pending_.size() - 1)});
}

void RoomHome::forget_exclusions() noexcept {
  if (!exclusions_.empty()) exclusions_ = std::vector<Exclusion>();
}

void RoomHome::discard() noexcept {
  WSD_DCHECK(!has_members() && !has_history());
  static_cast<void>(sequencer_.next());
}

void RoomHome::begin_epoch(const Position& last) noexcept {
  WSD_DCHECK(!has_pending());
  sequencer_.continue_after(last);
  if (history_ != nullptr) history_->ring.forget_encodings();
}

std::vector<SharedBytes> RoomHome::take_pending() noexcept {
  pending_bytes_ = 0;
  return std::exchange(pending_, {});
}

void RoomHome::put_back(std::vector<SharedBytes>&& frames) noexcept {
  WSD_DCHECK(pending_.empty());
  pending_ = std::move(frames);
  for (const SharedBytes& each : pending_) pending_bytes_ += each.size();
}

std::uint64_t RoomHome::take_cost() noexcept { return std::exchange(pending_cost_, 0); }

}  // namespace wsd::hub
