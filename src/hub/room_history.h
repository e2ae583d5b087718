// What a room keeps of its messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/batch.h"

namespace wsd::hub {

struct HistoryLimits {
  std::uint32_t messages = 0;  // 0: no history
  std::size_t bytes = 0;       // of one room
  Tick age = 0;
  std::size_t total_bytes = 0;  // of one shard
};

// A ring of the very frames that were sent: counted, not copied. Time is an argument. Home shard's
// thread only.
class RoomHistory {
 public:
  // What a message is counted as beside its frame's bytes; it takes less.
  static constexpr std::size_t kOverhead = 64;

  // Both outlive this. `total` is what all histories of the shard count.
  RoomHistory(const HistoryLimits& limits, std::size_t& total) noexcept
      : limits_(limits), total_(total) {}
  RoomHistory(const RoomHistory&) = delete;
  RoomHistory& operator=(const RoomHistory&) = delete;
  ~RoomHistory() { clear(); }

  // Makes room, so that the next append() needs no memory (std::bad_alloc).
  void reserve();
  // Keeps the newest message, and drops the oldest beyond the limits: all of them where this one
  // alone is too large. What is kept is always the last messages of the room, without a hole.
  void append(const SharedBytes& frame, Tick now) noexcept;
  // Drops what has aged.
  void expire(Tick now) noexcept;
  void clear() noexcept;

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  // As counted against the limits.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // When the oldest will have aged. Not when empty.
  [[nodiscard]] Tick due(Tick now) const noexcept;

  // The last `count` messages, of which there must be as many, in `encoding`: what `encoder` makes
  // is kept beside the frame for who asks next, where the limits leave room. `last` is the place of
  // the newest. std::bad_alloc.
  [[nodiscard]] std::vector<SharedBytes> last(std::size_t count, Encoding encoding,
                                              Encoder* encoder, Position last);

 private:
  struct Entry {
    SharedBytes frame;
    SharedBytes other;  // the same in other_variant, or empty
    ShortTick at;
    Encoding other_variant = kIdentity;

    [[nodiscard]] std::size_t bytes() const noexcept {
      return frame.size() + other.size() + kOverhead;
    }
  };
  static_assert(sizeof(Entry) <= 24, "with the headers of two blocks below kOverhead");

  [[nodiscard]] Entry& at(std::size_t index) noexcept {
    return ring_[(first_ + index) % ring_.size()];
  }
  [[nodiscard]] SharedBytes encoded(Entry& entry, Encoding encoding, Encoder& encoder,
                                    Position position);
  void drop_oldest() noexcept;

  const HistoryLimits& limits_;
  std::size_t& total_;
  std::vector<Entry> ring_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace wsd::hub
