#include "net/send_queue.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "base/assert.h"

namespace wsd::net {
namespace {

// The Close of a connection that fails waits for at most this much data, such as an application's
// last messages. It overtakes a longer queue.
constexpr std::size_t kCloseLinger = std::size_t{64} << 10;

// Returns whether a queue of that size admits another frame.
bool admitted(std::size_t frames, std::size_t bytes, std::size_t size,
              const SendQueueLimits& limits) noexcept {
  if (frames >= limits.frames) return false;
  return bytes <= limits.high_water() || bytes + size <= limits.bytes;
}

}  // namespace

bool SendQueue::within(std::size_t size, const SendQueueLimits& limits) const noexcept {
  return admitted(bounded_frames(), bounded_bytes(), size, limits);
}

bool SendQueue::admits(std::size_t size, const SendQueueLimits& limits,
                       std::size_t grant) const noexcept {
  return within(size, limits) || granted_ + size <= grant;
}

// Returns whether the frame is within the limits or the grant, and uses up the grant.
bool SendQueue::take_room(std::size_t size, const SendQueueLimits& limits,
                          std::size_t grant) noexcept {
  if (!high(limits)) granted_ = 0;
  if (within(size, limits)) return true;
  if (granted_ + size > grant) return false;
  granted_ += size;
  return true;
}

SendQueue::Verdict SendQueue::push(Slice frame, const SendQueueLimits& limits, std::size_t grant,
                                   const hub::SlowPolicyFor& rule) {
  SlowPolicy policy = rule.policy.value_or(limits.policy);
  const bool latest = policy == SlowPolicy::kLatestOnly;
  if (latest) {
    if (latest_frames_ != 0 && take_place(frame, limits, rule.room)) return Verdict::kQueued;
    policy = limits.policy;
  }
  if (!take_room(frame.size, limits, grant)) {
    if (policy == SlowPolicy::kDisconnect) return Verdict::kOverBound;
    if (policy == SlowPolicy::kDropOldest && dropping_helps(frame.size, limits)) {
      while (!within(frame.size, limits) && drop_oldest()) {
      }
    }
    if (!within(frame.size, limits)) {
      ++dropped_;
      gaps_ = true;
      return Verdict::kDropped;
    }
  }
  own_block(frame);
  set_bytes(bytes_ + frame.size);
  entries_.push_back({std::move(frame), Kind::kData});
  Entry& entry = entries_.back();
  if (latest) {
    entry.latest = true;
    entry.room = rule.room;
    ++latest_frames_;
  } else if (policy == SlowPolicy::kDropOldest) {
    entry.droppable = true;
    droppable_bytes_ += entry.slice.size;
    ++droppable_frames_;
  }
  return Verdict::kQueued;
}

SendQueue::Verdict SendQueue::push_answer(Slice response, const SendQueueLimits& limits,
                                          std::size_t grant) {
  if (!take_room(response.size, limits, grant)) return Verdict::kOverBound;
  set_bytes(bytes_ + response.size);
  entries_.push_back({std::move(response), Kind::kAnswer});
  return Verdict::kQueued;
}

// Gives the frame a block of its own, because the other frames of its block may have been dropped.
// The shared block can then be freed.
void SendQueue::own_block(Slice& frame) const {
  if (!gaps_ || frame.size == frame.block.size()) return;
  if (SharedBytes own = SharedBytes::copy_of(frame.bytes())) frame = Slice(std::move(own));
}

void SendQueue::settle(Entry& entry) noexcept {
  if (std::exchange(entry.droppable, false)) {
    droppable_bytes_ -= entry.slice.size;
    --droppable_frames_;
  }
  if (std::exchange(entry.latest, false)) --latest_frames_;
}

// Replaces the queued latest-only message of the same room. Returns false if there is no such
// message, or if the new one does not fit in its place. In the second case the old message is
// dropped anyway.
bool SendQueue::take_place(Slice& frame, const SendQueueLimits& limits, std::uint64_t room) {
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& each) {
    return each.latest && each.room == room;
  });
  if (found == entries_.rend()) return false;
  ++dropped_;
  gaps_ = true;
  const std::size_t freed = found->slice.size;
  if (!admitted(bounded_frames() - 1, bounded_bytes() - freed, frame.size, limits)) {
    settle(*found);
    set_bytes(bytes_ - freed);
    entries_.erase(std::next(found).base());
    return false;
  }
  own_block(frame);
  set_bytes(bytes_ - freed + frame.size);
  found->slice = std::move(frame);
  return true;
}

// Returns whether dropping messages can make room. It cannot if the frames that must stay exceed
// the limit.
bool SendQueue::dropping_helps(std::size_t size, const SendQueueLimits& limits) const noexcept {
  return admitted(bounded_frames() - droppable_frames_, bounded_bytes() - droppable_bytes_, size,
                  limits);
}

// Returns false if no frame may be dropped.
bool SendQueue::drop_oldest() {
  const auto oldest = std::find_if(entries_.begin(), entries_.end(),
                                   [](const Entry& each) { return each.droppable; });
  if (oldest == entries_.end()) return false;
  settle(*oldest);
  set_bytes(bytes_ - oldest->slice.size);
  entries_.erase(oldest);
  ++dropped_;
  return true;
}

// A newer message must not replace one that is queued before the replay, so latest-only messages
// before it become ordinary ones.
void SendQueue::push_replay(Slice frame) {
  for (auto each = entries_.rbegin(); latest_frames_ != 0; ++each) {
    if (each->latest) settle(*each);
  }
  set_bytes(bytes_ + frame.size);
  entries_.push_back({std::move(frame), Kind::kReplay});
  count_replay(entries_.back());
}

void SendQueue::count_replay(Entry& entry) noexcept {
  entry.replay = true;
  replay_bytes_ += entry.slice.size;
  ++replay_frames_;
}

void SendQueue::push_started(Slice rest, bool replay) {
  set_bytes(bytes_ + rest.size);
  entries_.push_back({std::move(rest), Kind::kStarted});
  if (replay) count_replay(entries_.back());
}

std::size_t SendQueue::boundary() const noexcept {
  // A started entry may be the rest of one frame or of several. It is sent as a whole.
  const bool begun =
      !entries_.empty() && (front_sent_ != 0 || entries_.front().kind == Kind::kStarted);
  std::size_t position = begun ? 1 : 0;
  // A client would take a frame before its HTTP response for the response.
  while (position < entries_.size() && entries_[position].kind == Kind::kAnswer) ++position;
  return position;
}

std::size_t SendQueue::bytes_before_control() const noexcept {
  const std::size_t end = boundary();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < end; ++i) bytes += entries_[i].slice.size;
  return end == 0 ? 0 : bytes - front_sent_;
}

std::size_t SendQueue::messages() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const Entry& each) {
        return each.kind == Kind::kData || each.kind == Kind::kReplay ||
               each.kind == Kind::kStarted;
      }));
}

std::size_t SendQueue::behind_control() const noexcept {
  std::size_t position = boundary();
  while (position < entries_.size() &&
         (entries_[position].kind == Kind::kControl || entries_[position].kind == Kind::kPong)) {
    ++position;
  }
  return position;
}

void SendQueue::insert(std::size_t position, const protocol::ControlFrame& frame, Kind kind) {
  const SharedBytes bytes = SharedBytes::copy_of(frame.bytes());
  if (!bytes) throw std::bad_alloc();
  set_bytes(bytes_ + bytes.size());
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(position), {Slice(bytes), kind});
}

void SendQueue::push_control(const protocol::ControlFrame& frame) {
  insert(behind_control(), frame, Kind::kControl);
}

void SendQueue::place_pong() {
  if (!pong_) return;
  // An older Pong is out of date if no byte of it was sent.
  for (std::size_t i = boundary(); i < behind_control(); ++i) {
    if (entries_[i].kind != Kind::kPong) continue;
    set_bytes(bytes_ - entries_[i].slice.size);
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  insert(behind_control(), *std::exchange(pong_, std::nullopt), Kind::kPong);
}

// Drops the messages of which no byte was sent.
void SendQueue::drop_long_queue() {
  if (bytes_ <= kCloseLinger) return;
  std::deque<Entry> kept;
  std::size_t kept_bytes = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    settle(entries_[i]);
    const bool data = entries_[i].kind == Kind::kData || entries_[i].kind == Kind::kReplay;
    if (!data || (i == 0 && front_sent_ != 0)) {
      kept_bytes += entries_[i].slice.size - (i == 0 ? front_sent_ : 0);
      kept.push_back(std::move(entries_[i]));
    } else {
      ++dropped_;
    }
  }
  entries_ = std::move(kept);
  set_bytes(kept_bytes);
  // At most one frame of a replay is left, and the limits no longer apply.
  for (Entry& each : entries_) each.replay = false;
  replay_bytes_ = 0;
  replay_frames_ = 0;
}

void SendQueue::push_close(const protocol::ControlFrame& close, ClosePlace place) {
  if (place == ClosePlace::kOvertakes) drop_long_queue();
  place_pong();
  insert(entries_.size(), close, Kind::kControl);
}

bool SendQueue::look(std::uint32_t acknowledged, Tick now, Tick timeout) noexcept {
  const auto grown = static_cast<std::int32_t>(acknowledged - acknowledged_);
  acknowledged_ = acknowledged;
  if (!std::exchange(looked_, true)) {
    last_progress_ = std::max(last_progress_, now - std::min(now, timeout / 2));
    return true;
  }
  if (grown <= 0) return false;
  last_progress_ = now;
  return true;
}

std::size_t SendQueue::gather(std::span<iovec> pieces) {
  place_pong();
  std::size_t used = 0;
  std::size_t skip = front_sent_;
  for (const Entry& entry : entries_) {
    const Bytes bytes = entry.slice.bytes().subspan(skip);
    skip = 0;
    // Frames of one batch are adjacent in one block.
    if (used != 0) {
      iovec& last = pieces[used - 1];
      if (static_cast<const std::uint8_t*>(last.iov_base) + last.iov_len == bytes.data()) {
        last.iov_len += bytes.size();
        continue;
      }
    }
    if (used == pieces.size()) break;
    pieces[used++] = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  }
  return used;
}

void SendQueue::consume(std::size_t count, Tick now) noexcept {
  WSD_ASSERT(count <= bytes_);
  if (count == 0) return;
  last_progress_ = now;
  looked_ = false;
  set_bytes(bytes_ - count);
  while (!entries_.empty()) {
    Entry& front = entries_.front();
    const std::size_t left = std::min(count, front.slice.size - front_sent_);
    if (left != 0) settle(front);
    if (front.replay) replay_bytes_ -= left;
    front_sent_ += left;
    count -= left;
    if (front_sent_ != front.slice.size) break;
    if (front.replay) --replay_frames_;
    front_sent_ = 0;
    entries_.pop_front();
  }
}

}  // namespace wsd::net
