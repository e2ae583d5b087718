// The history of one room: the last messages, for replays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/batch.h"

namespace wsd::hub {

// Limits of a history. The oldest messages are dropped beyond any of them. Bytes are the memory
// that is really used, as the allocator rounds it.
struct HistoryLimits {
  std::uint32_t messages = 0;  // 0: no history
  std::size_t bytes = 0;       // of one room: its messages and its ring
  Tick age = 0;
  std::size_t total_bytes = 0;  // of one shard: also the rooms themselves, while they have messages
};

// A ring of the frames that were sent. It shares them and does not copy them. Time is an argument.
// Home shard's thread only.
class RoomHistory {
 public:
  // `total` is the size of all histories of the shard. It includes `room_bytes`, the memory of the
  // room itself, while the history holds a message. Both references must outlive this object.
  RoomHistory(const HistoryLimits& limits, std::size_t& total, std::size_t room_bytes = 0) noexcept
      : limits_(limits), total_(total), room_bytes_(room_bytes) {}
  RoomHistory(const RoomHistory&) = delete;
  RoomHistory& operator=(const RoomHistory&) = delete;
  ~RoomHistory() { clear(); }

  // Drops the messages that have reached the age limit. Then allocates space, so that the next
  // append() needs no memory. Throws std::bad_alloc if memory runs out; then nothing else has
  // changed.
  void reserve(Tick now);
  // Stores the newest message, and drops the oldest ones beyond the limits. Drops all messages if
  // the new one alone exceeds a limit. So the history always holds the last messages of the room,
  // without a gap. Call reserve() first.
  void append(const SharedBytes& frame, Tick now) noexcept;
  // Drops the messages that have reached the age limit.
  void expire(Tick now) noexcept;
  void clear() noexcept;
  // Drops the frames that were encoded for joiners, which may contain the messages' positions.
  void forget_encodings() noexcept;
  // Removes the message at `index`, counted from the oldest one, or all messages. Returns how many
  // were removed. A removed message keeps its entry until the limits drop it, so that the positions
  // of the others stay right, and a client that resumes from before it gets no gap notice.
  std::size_t remove(std::size_t index) noexcept;
  std::size_t remove_all() noexcept;

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  // The number of entries, including those of removed messages.
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  // Returns how many of the last entries hold `messages` messages, or size() if all hold fewer.
  [[nodiscard]] std::size_t reach(std::size_t messages) noexcept;
  // Returns the memory of the messages and of the ring, as counted against HistoryLimits::bytes.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // Returns the tick at which the oldest message reaches the age limit. The history must not be
  // empty.
  [[nodiscard]] Tick due(Tick now) const noexcept;

  // Returns the messages of the last `count` entries in `encoding`. The history must have at least
  // `count`. `last` is the position of the newest entry. In the stead of removed messages comes one
  // position notice, if the encoding has it. An encoded frame is stored for the next joiner, if the
  // limits allow it. Throws std::bad_alloc if memory runs out; then no message is lost.
  [[nodiscard]] std::vector<SharedBytes> last(std::size_t count, Encoding encoding,
                                              Encoder* encoder, Position last);

 private:
  struct Entry {
    SharedBytes frame;  // empty: the message was removed
    SharedBytes other;  // the frame in other_encoding, or empty
    ShortTick at;
    Encoding other_encoding = kIdentity;

    [[nodiscard]] std::size_t bytes() const noexcept {
      return frame.memory_bytes() + other.memory_bytes();
    }
  };
  static_assert(sizeof(Entry) <= 24, "docs/MEMORY.md gives the size");

  // Returns the memory of a ring with that many entries.
  [[nodiscard]] static std::size_t ring_bytes(std::uint32_t capacity) noexcept;
  [[nodiscard]] Entry& at(std::size_t index) noexcept {
    return ring_[(first_ + index) % capacity_];
  }
  // Returns whether `more` bytes are within the limits.
  [[nodiscard]] bool fits(std::size_t more) const noexcept {
    return bytes_ + more <= limits_.bytes && total_ + more <= limits_.total_bytes;
  }
  void resize(std::uint32_t capacity);
  void drop_aged(Tick now) noexcept;
  void release_if_empty() noexcept;
  [[nodiscard]] SharedBytes encoded(Entry& entry, Encoding encoding, Encoder& encoder,
                                    Position position);
  void drop_oldest() noexcept;

  const HistoryLimits& limits_;
  std::size_t& total_;
  const std::size_t room_bytes_;
  std::size_t bytes_ = 0;
  std::unique_ptr<Entry[]> ring_;
  std::uint32_t capacity_ = 0;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace wsd::hub
