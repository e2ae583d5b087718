#include "net/send_queue.h"

#include <utility>

#include "base/assert.h"

namespace wsd::net {
namespace {

// A Close waits for this much data at most (an application's last words); it overtakes more.
constexpr std::size_t kCloseLinger = std::size_t{64} << 10;

}  // namespace

bool SendQueue::admits(std::size_t size, const SendQueueLimits& limits) const noexcept {
  if (entries_.size() >= limits.frames) return false;
  return bytes_ <= limits.high_water() || bytes_ + size <= limits.bytes;
}

SendQueue::Verdict SendQueue::push(Slice frame, const SendQueueLimits& limits) {
  if (!admits(frame.size, limits)) {
    if (limits.policy == SlowPolicy::kDisconnect) return Verdict::kOverBound;
    if (limits.policy == SlowPolicy::kDropOldest) {
      while (!admits(frame.size, limits) && drop_oldest()) {
      }
    }
    if (!admits(frame.size, limits)) {
      ++dropped_;
      return Verdict::kDropped;
    }
  }
  bytes_ += frame.size;
  entries_.push_back({std::move(frame), false});
  return Verdict::kQueued;
}

// False when there is nothing that may be dropped.
bool SendQueue::drop_oldest() {
  for (std::size_t i = front_sent_ != 0 ? 1 : 0; i < entries_.size(); ++i) {
    if (entries_[i].pinned) continue;
    bytes_ -= entries_[i].slice.size;
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
    ++dropped_;
    return true;
  }
  return false;
}

void SendQueue::push_started(Slice rest) {
  bytes_ += rest.size;
  entries_.push_back({std::move(rest), true});
}

std::size_t SendQueue::boundary() const noexcept {
  // A pinned first entry may be the rest of a frame, or several; it goes out whole.
  return !entries_.empty() && (front_sent_ != 0 || entries_.front().pinned) ? 1 : 0;
}

void SendQueue::insert_pinned(std::size_t position, const protocol::ControlFrame& frame) {
  const SharedBytes bytes = SharedBytes::copy_of(frame.bytes());
  if (!bytes) return;
  bytes_ += bytes.size();
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(position), {Slice(bytes), true});
}

void SendQueue::push_close(const protocol::ControlFrame& close) {
  if (bytes_ > kCloseLinger) {
    std::deque<Entry> kept;
    std::size_t kept_bytes = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].pinned || (i == 0 && front_sent_ != 0)) {
        kept_bytes += entries_[i].slice.size - (i == 0 ? front_sent_ : 0);
        kept.push_back(std::move(entries_[i]));
      } else {
        ++dropped_;
      }
    }
    entries_ = std::move(kept);
    bytes_ = kept_bytes;
  }
  if (pong_) insert_pinned(boundary(), *std::exchange(pong_, std::nullopt));
  insert_pinned(entries_.size(), close);
}

std::size_t SendQueue::gather(std::span<iovec> pieces) {
  if (pong_) insert_pinned(boundary(), *std::exchange(pong_, std::nullopt));
  std::size_t used = 0;
  std::size_t skip = front_sent_;
  for (const Entry& entry : entries_) {
    const Bytes bytes = entry.slice.bytes().subspan(skip);
    skip = 0;
    // Frames of one batch lie side by side in one block.
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
  bytes_ -= count;
  front_sent_ += count;
  while (!entries_.empty() && front_sent_ >= entries_.front().slice.size) {
    front_sent_ -= entries_.front().slice.size;
    entries_.pop_front();
  }
}

}  // namespace wsd::net
