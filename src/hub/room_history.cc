#include "hub/room_history.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace wsd::hub {

void RoomHistory::reserve() {
  if (count_ < ring_.size() || ring_.size() >= limits_.messages) return;
  constexpr std::size_t kFirst = 4;
  std::vector<Entry> larger(
      std::min<std::size_t>(std::max(2 * ring_.size(), kFirst), limits_.messages));
  for (std::size_t i = 0; i < count_; ++i) larger[i] = std::move(at(i));
  ring_ = std::move(larger);
  first_ = 0;
}

void RoomHistory::append(const SharedBytes& frame, Tick now) noexcept {
  expire(now);
  if (count_ == ring_.size()) drop_oldest();  // the ring has reached the limit of messages
  Entry& entry = at(count_);
  entry.frame = frame;
  entry.at = now;
  ++count_;
  bytes_ += entry.bytes();
  total_ += entry.bytes();
  while (count_ != 0 && (bytes_ > limits_.bytes || total_ > limits_.total_bytes)) drop_oldest();
}

void RoomHistory::expire(Tick now) noexcept {
  while (count_ != 0 && at(0).at.age(now) >= limits_.age) drop_oldest();
}

void RoomHistory::clear() noexcept {
  while (count_ != 0) drop_oldest();
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
  first_ = (first_ + 1) % ring_.size();
  if (--count_ == 0) first_ = 0;
}

std::vector<SharedBytes> RoomHistory::last(std::size_t count, Encoding encoding, Encoder* encoder,
                                           Position last) {
  WSD_DCHECK(count <= count_);
  std::vector<SharedBytes> frames;
  frames.reserve(count);
  for (std::size_t i = count_ - count; i < count_; ++i) {
    if (encoding == kIdentity || encoder == nullptr) {
      frames.push_back(at(i).frame);
    } else {
      const Position position{last.epoch, last.seq - (count_ - 1 - i)};
      frames.push_back(encoded(at(i), encoding, *encoder, position));
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
  const std::size_t more = other.size() - entry.other.size();
  // The encoded frame must not displace messages. If it does not fit, each joiner gets its own.
  if (bytes_ + more <= limits_.bytes && total_ + more <= limits_.total_bytes) {
    bytes_ += more;
    total_ += more;
    entry.other = other;
    entry.other_encoding = encoding;
  }
  return other;
}

}  // namespace wsd::hub
