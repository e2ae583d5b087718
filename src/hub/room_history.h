// The history of one room: the last messages, for replays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/batch.h"

namespace wsd::hub {

// Limits of a history. The oldest messages are dropped beyond any of them.
struct HistoryLimits {
  std::uint32_t messages = 0;  // 0: no history
  std::size_t bytes = 0;       // of one room
  Tick age = 0;
  std::size_t total_bytes = 0;  // of one shard
};

// A ring of the frames that were sent. It shares them and does not copy them. Time is an argument.
// Home shard's thread only.
class RoomHistory {
 public:
  // Each message counts as this many bytes in addition to its frame. It needs less.
  static constexpr std::size_t kOverhead = 64;

  // `total` is the size of all histories of the shard. Both references must outlive this object.
  RoomHistory(const HistoryLimits& limits, std::size_t& total) noexcept
      : limits_(limits), total_(total) {}
  RoomHistory(const RoomHistory&) = delete;
  RoomHistory& operator=(const RoomHistory&) = delete;
  ~RoomHistory() { clear(); }

  // Allocates space, so that the next append() needs no memory. Throws std::bad_alloc if memory
  // runs out; then nothing has changed.
  void reserve();
  // Stores the newest message, and drops the oldest ones beyond the limits. Drops all messages if
  // the new one alone exceeds a limit. So the history always holds the last messages of the room,
  // without a gap. Call reserve() first.
  void append(const SharedBytes& frame, Tick now) noexcept;
  // Drops the messages that have reached the age limit.
  void expire(Tick now) noexcept;
  void clear() noexcept;

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  // Returns the size in bytes, as counted against the limits.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // Returns the tick at which the oldest message reaches the age limit. The history must not be
  // empty.
  [[nodiscard]] Tick due(Tick now) const noexcept;

  // Returns the last `count` messages in `encoding`. The history must hold at least `count`. `last`
  // is the position of the newest message. An encoded frame is stored for the next joiner, if the
  // limits allow it. Throws std::bad_alloc if memory runs out; then no message is lost.
  [[nodiscard]] std::vector<SharedBytes> last(std::size_t count, Encoding encoding,
                                              Encoder* encoder, Position last);

 private:
  struct Entry {
    SharedBytes frame;
    SharedBytes other;  // the frame in other_encoding, or empty
    ShortTick at;
    Encoding other_encoding = kIdentity;

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
