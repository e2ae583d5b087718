#include "net/send_queue.h"

#include <algorithm>
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

SendQueue::SendQueue(Tick now, SendTally* tally) : tally_(tally), last_progress_(now) {
  count_memory(sizeof(SendQueue), 0);
}

SendQueue::~SendQueue() {
  for (Index i = entries_.first(); i != kNone; i = entries_.next(i)) {
    count_memory(0, entries_[i].slice.block.leave_queue());
  }
  count_memory(0, entries_.memory() + sizeof(SendQueue));
  set_bytes(0);
}

SendQueue::Index SendQueue::insert(Index next, Slice slice, Kind kind) {
  const std::size_t before = entries_.memory();
  const Index index = entries_.insert(next, Entry{std::move(slice), kind});
  const Slice& inserted = entries_[index].slice;
  count_memory(entries_.memory() + inserted.block.enter_queue(), before);
  set_bytes(bytes_ + inserted.size);
  return index;
}

void SendQueue::remove(Index index) noexcept {
  const Slice& slice = entries_[index].slice;
  count_memory(0, slice.block.leave_queue());
  set_bytes(bytes_ - slice.size);
  entries_.erase(index);
}

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
    if (take_place(frame, limits, rule.room)) return Verdict::kQueued;
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
  const Index index = insert(kNone, std::move(frame), Kind::kData);
  Entry& entry = entries_[index];
  if (latest) {
    latest_.insert_or_assign(rule.room, index);
    entry.latest = true;
    entry.room = rule.room;
  } else if (policy == SlowPolicy::kDropOldest) {
    entry.droppable = true;
    droppable_bytes_ += entry.slice.size;
    ++droppable_frames_;
    (oldest_droppable_ == kNone ? oldest_droppable_ : entries_[newest_droppable_].next_droppable) =
        index;
    newest_droppable_ = index;
  }
  return Verdict::kQueued;
}

SendQueue::Verdict SendQueue::push_answer(Slice response, const SendQueueLimits& limits,
                                          std::size_t grant) {
  if (!take_room(response.size, limits, grant)) return Verdict::kOverBound;
  insert(kNone, std::move(response), Kind::kAnswer);
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
    WSD_DCHECK(&entry == &entries_[oldest_droppable_]);
    oldest_droppable_ = entry.next_droppable;
    droppable_bytes_ -= entry.slice.size;
    --droppable_frames_;
  }
  if (std::exchange(entry.latest, false)) latest_.erase(entry.room);
}

// Replaces the queued latest-only message of the same room. Returns false if there is no such
// message, or if the new one does not fit in its place. In the second case the old message is
// dropped anyway.
bool SendQueue::take_place(Slice& frame, const SendQueueLimits& limits, std::uint64_t room) {
  const auto found = latest_.find(room);
  if (found == latest_.end()) return false;
  const Index index = found->second;
  Entry& old = entries_[index];
  ++dropped_;
  gaps_ = true;
  const std::size_t freed = old.slice.size;
  if (!admitted(bounded_frames() - 1, bounded_bytes() - freed, frame.size, limits)) {
    settle(old);
    remove(index);
    return false;
  }
  own_block(frame);
  count_memory(frame.block.enter_queue(), old.slice.block.leave_queue());
  set_bytes(bytes_ - freed + frame.size);
  old.slice = std::move(frame);
  return true;
}

// Returns whether dropping messages can make room. It cannot if the frames that must stay exceed
// the limit.
bool SendQueue::dropping_helps(std::size_t size, const SendQueueLimits& limits) const noexcept {
  return admitted(bounded_frames() - droppable_frames_, bounded_bytes() - droppable_bytes_, size,
                  limits);
}

// Returns false if no frame may be dropped.
bool SendQueue::drop_oldest() noexcept {
  const Index oldest = oldest_droppable_;
  if (oldest == kNone) return false;
  settle(entries_[oldest]);
  remove(oldest);
  ++dropped_;
  return true;
}

// A newer message must not replace one that is queued before the replay, so latest-only messages
// before it become ordinary ones.
void SendQueue::push_replay(Slice frame) {
  while (!latest_.empty()) settle(entries_[latest_.begin()->second]);
  count_replay(entries_[insert(kNone, std::move(frame), Kind::kReplay)]);
}

void SendQueue::count_replay(Entry& entry) noexcept {
  entry.replay = true;
  replay_bytes_ += entry.slice.size;
  ++replay_frames_;
}

void SendQueue::push_started(Slice rest, bool replay) {
  const Index index = insert(kNone, std::move(rest), Kind::kStarted);
  if (replay) count_replay(entries_[index]);
}

SendQueue::Index SendQueue::boundary() const noexcept {
  const Index first = entries_.first();
  if (first == kNone) return kNone;
  // A started entry may be the rest of one frame or of several. It is sent as a whole.
  const bool begun = front_sent_ != 0 || entries_[first].kind == Kind::kStarted;
  Index i = begun ? entries_.next(first) : first;
  // A client would take a frame before its HTTP response for the response.
  while (i != kNone && entries_[i].kind == Kind::kAnswer) i = entries_.next(i);
  return i;
}

std::size_t SendQueue::bytes_before_control() const noexcept {
  const Index end = boundary();
  std::size_t bytes = 0;
  for (Index i = entries_.first(); i != end; i = entries_.next(i)) bytes += entries_[i].slice.size;
  return bytes - (end == entries_.first() ? 0 : front_sent_);
}

std::size_t SendQueue::messages() const noexcept {
  std::size_t count = 0;
  for (Index i = entries_.first(); i != kNone; i = entries_.next(i)) {
    const Kind kind = entries_[i].kind;
    if (kind == Kind::kData || kind == Kind::kReplay || kind == Kind::kStarted) ++count;
  }
  return count;
}

SendQueue::Index SendQueue::behind_control() const noexcept {
  Index i = boundary();
  while (i != kNone && (entries_[i].kind == Kind::kControl || entries_[i].kind == Kind::kPong)) {
    i = entries_.next(i);
  }
  return i;
}

void SendQueue::insert_control(Index next, const protocol::ControlFrame& frame, Kind kind) {
  SharedBytes bytes = SharedBytes::copy_of(frame.bytes());
  if (!bytes) throw std::bad_alloc();
  insert(next, Slice(std::move(bytes)), kind);
}

void SendQueue::push_control(const protocol::ControlFrame& frame) {
  insert_control(behind_control(), frame, Kind::kControl);
}

void SendQueue::place_pong() {
  if (!pong_) return;
  // An older Pong is out of date if no byte of it was sent.
  const Index end = behind_control();
  for (Index i = boundary(); i != end; i = entries_.next(i)) {
    if (entries_[i].kind != Kind::kPong) continue;
    remove(i);
    break;
  }
  insert_control(end, *std::exchange(pong_, std::nullopt), Kind::kPong);
}

// Drops the messages of which no byte was sent.
void SendQueue::drop_long_queue() {
  if (bytes_ <= kCloseLinger) return;
  const Index begun = front_sent_ != 0 ? entries_.first() : kNone;
  for (Index i = entries_.first(); i != kNone;) {
    const Index next = entries_.next(i);
    Entry& entry = entries_[i];
    settle(entry);
    // At most one frame of a replay is left, and the limits no longer apply.
    entry.replay = false;
    if (i != begun && (entry.kind == Kind::kData || entry.kind == Kind::kReplay)) {
      remove(i);
      ++dropped_;
    }
    i = next;
  }
  replay_bytes_ = 0;
  replay_frames_ = 0;
}

void SendQueue::push_close(const protocol::ControlFrame& close, ClosePlace place) {
  if (place == ClosePlace::kOvertakes) drop_long_queue();
  place_pong();
  insert_control(kNone, close, Kind::kControl);
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
  for (Index i = entries_.first(); i != kNone; i = entries_.next(i)) {
    const Bytes bytes = entries_[i].slice.bytes().subspan(skip);
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
  while (count != 0) {
    const Index first = entries_.first();
    Entry& front = entries_[first];
    const std::size_t left = std::min(count, front.slice.size - front_sent_);
    settle(front);
    if (front.replay) replay_bytes_ -= left;
    front_sent_ += left;
    count -= left;
    if (front_sent_ == front.slice.size) {
      if (front.replay) --replay_frames_;
      // remove() subtracts the whole frame.
      set_bytes(bytes_ + front.slice.size - left);
      front_sent_ = 0;
      remove(first);
    } else {
      set_bytes(bytes_ - left);
    }
  }
}

}  // namespace wsd::net
