#include "hub/room_history.h"

#include <algorithm>
#include <utility>

#include "base/allocation.h"
#include "base/assert.h"

namespace wsd::hub {

std::size_t RoomHistory::ring_bytes(std::uint32_t capacity) noexcept {
  return capacity == 0 ? 0 : allocation_bytes(capacity * sizeof(Entry));
}

// The ring grows by a quarter, because a larger step would use memory that messages could have. If
// not even that fits into the limits, the ring stays full, and append() drops the oldest message.
void RoomHistory::reserve(Tick now) {
  constexpr std::uint32_t kLeast = 4;
  drop_aged(now);
  if (capacity_ > 4 * kLeast && count_ < capacity_ / 4) {
    resize(2 * count_ + kLeast);
  } else if (count_ == capacity_ && capacity_ < limits_.messages) {
    const std::uint32_t wanted =
        std::min(capacity_ + std::max(capacity_ / 4, kLeast), limits_.messages);
    if (fits(ring_bytes(wanted) - ring_bytes(capacity_))) resize(wanted);
  }
}

void RoomHistory::resize(std::uint32_t capacity) {
  WSD_DCHECK(capacity >= count_);
  auto ring = std::make_unique<Entry[]>(capacity);
  for (std::size_t i = 0; i < count_; ++i) ring[i] = std::move(at(i));
  bytes_ += ring_bytes(capacity) - ring_bytes(capacity_);
  total_ += ring_bytes(capacity) - ring_bytes(capacity_);
  ring_ = std::move(ring);
  capacity_ = capacity;
  first_ = 0;
}

void RoomHistory::append(const SharedBytes& frame, Tick now) noexcept {
  if (capacity_ == 0) return;  // not even the ring fits into the limits
  if (count_ == capacity_) drop_oldest();
  Entry& entry = at(count_);
  entry.frame = frame;
  entry.at = now;
  if (++count_ == 1) total_ += room_bytes_;
  bytes_ += entry.bytes();
  total_ += entry.bytes();
  while (count_ != 0 && !fits(0)) drop_oldest();
  release_if_empty();
}

void RoomHistory::drop_aged(Tick now) noexcept {
  while (count_ != 0 && at(0).at.age(now) >= limits_.age) drop_oldest();
}

void RoomHistory::expire(Tick now) noexcept {
  drop_aged(now);
  release_if_empty();
}

void RoomHistory::clear() noexcept {
  while (count_ != 0) drop_oldest();
  release_if_empty();
}

void RoomHistory::forget_encodings() noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    Entry& entry = at(i);
    bytes_ -= entry.other.memory_bytes();
    total_ -= entry.other.memory_bytes();
    entry.other = {};
    entry.other_encoding = kIdentity;
  }
}

std::size_t RoomHistory::remove(std::size_t index) noexcept {
  WSD_DCHECK(index < count_);
  Entry& entry = at(index);
  if (!entry.frame) return 0;
  bytes_ -= entry.bytes();
  total_ -= entry.bytes();
  entry.frame = {};
  entry.other = {};
  entry.other_encoding = kIdentity;
  return 1;
}

std::size_t RoomHistory::remove_all() noexcept {
  std::size_t removed = 0;
  for (std::size_t i = 0; i < count_; ++i) removed += remove(i);
  return removed;
}

std::size_t RoomHistory::reach(std::size_t messages) noexcept {
  std::size_t entries = 0;
  for (; entries < count_ && messages != 0; ++entries) {
    if (at(count_ - 1 - entries).frame) --messages;
  }
  return entries;
}

void RoomHistory::release_if_empty() noexcept {
  if (count_ != 0) return;
  bytes_ -= ring_bytes(capacity_);
  total_ -= ring_bytes(capacity_);
  WSD_DCHECK(bytes_ == 0);
  ring_.reset();
  capacity_ = 0;
  first_ = 0;
}

Tick RoomHistory::due(Tick now) const noexcept {
  WSD_DCHECK(count_ != 0);
  return ring_[first_].at.near(now) + limits_.age;
}

void RoomHistory::drop_oldest() noexcept {
  Entry& oldest = at(0);
  bytes_ -= oldest.bytes();
  total_ -= oldest.bytes();
  oldest = {};
  first_ = (first_ + 1) % capacity_;
  if (--count_ == 0) total_ -= room_bytes_;
}

std::vector<SharedBytes> RoomHistory::last(std::size_t count, Encoding encoding, Encoder* encoder,
                                           Position last) {
  WSD_DCHECK(count <= count_);
  std::vector<SharedBytes> frames;
  frames.reserve(count);
  const bool plain = encoding == kIdentity || encoder == nullptr;
  for (std::size_t i = count_ - count; i < count_; ++i) {
    Entry& entry = at(i);
    const Position position{last.epoch, last.seq - (count_ - 1 - i)};
    if (!entry.frame) {
      const bool more = i + 1 < count_ && !at(i + 1).frame;
      if (plain || more) continue;
      if (SharedBytes notice = encoder->position_notice(encoding, position)) {
        frames.push_back(std::move(notice));
      }
    } else {
      frames.push_back(plain ? entry.frame : encoded(entry, encoding, *encoder, position));
    }
  }
  return frames;
}

SharedBytes RoomHistory::encoded(Entry& entry, Encoding encoding, Encoder& encoder,
                                 Position position) {
  if (entry.other && encoder.serves(entry.other_encoding, encoding)) return entry.other;
  SharedBytes other = encoder.encode(entry.frame, encoding, position);
  if (!other) return entry.frame;
  if (entry.other && !encoder.replaces(encoding, entry.other_encoding)) return other;
  // The encoded frame must not displace messages. If it does not fit, each joiner gets its own.
  const std::size_t more = other.memory_bytes() - entry.other.memory_bytes();
  if (fits(more)) {
    bytes_ += more;
    total_ += more;
    entry.other = other;
    entry.other_encoding = encoding;
  }
  return other;
}

}  // namespace wsd::hub
