// What the connection in its read step sends is gathered here and leaves in one system call when
// the step ends. One for a reactor; it belongs to one connection at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"

namespace wsd::net {

class Outbound;

// What all connections of a reactor have sent and have still to send.
struct SendTally {
  std::uint64_t bytes = 0;    // taken by the kernel
  std::uint64_t dropped = 0;  // messages
  std::uint64_t waiting = 0;  // bytes in send queues now
};

class Cork {
 public:
  static constexpr std::size_t kMostCapacity = std::size_t{64} << 10;

  // Never more than `most`: what an owner's socket does not take, its send queue must.
  explicit Cork(std::size_t most = kMostCapacity)
      : capacity_(std::min(most, kMostCapacity)),
        buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(capacity_)),
        front_(buffer_.get()),
        back_(buffer_.get()) {}

  void begin(const Outbound& owner) noexcept {
    WSD_DCHECK(owner_ == nullptr && back_ == buffer_.get() && fast_room_ == 0);
    owner_ = &owner;
  }
  void end() noexcept {
    WSD_DCHECK(bytes().empty());
    owner_ = nullptr;
    fast_room_ = 0;
  }
  [[nodiscard]] bool holds_for(const Outbound& outbound) const noexcept {
    return owner_ == &outbound;
  }

  [[nodiscard]] Bytes bytes() const noexcept { return {front_, back_}; }
  [[nodiscard]] std::size_t room() const noexcept {
    return capacity_ - static_cast<std::size_t>(back_ - buffer_.get());
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  // `count` more bytes, for the caller to write. There must be room.
  [[nodiscard]] std::uint8_t* extend(std::size_t count) noexcept {
    WSD_DCHECK(count <= room());
    fast_room_ -= std::min(fast_room_, count);
    return std::exchange(back_, back_ + count);
  }
  // That many bytes at the front have left.
  void cut_front(std::size_t count) noexcept {
    WSD_DCHECK(count <= bytes().size());
    front_ += count;
  }
  void clear() noexcept { front_ = back_ = buffer_.get(); }

  // The short way. While it is open, a small frame may be put here with no question asked but for
  // room: whoever makes another answer wrong closes it, until the next begin().
  void enable_fast_path() noexcept { fast_room_ = room(); }
  void disable_fast_path() noexcept { fast_room_ = 0; }
  // `count` more bytes, or nullptr: closed, or no room.
  [[nodiscard]] std::uint8_t* extend_fast(std::size_t count) noexcept {
    if (count > fast_room_) return nullptr;
    fast_room_ -= count;
    return std::exchange(back_, back_ + count);
  }

  // Kept here since whoever sends has the cork at hand.
  SendTally tally;

 private:
  std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::uint8_t* front_;  // of what is to leave
  std::uint8_t* back_;
  std::size_t fast_room_ = 0;  // 0 while the short way is closed
  const Outbound* owner_ = nullptr;
};

}  // namespace wsd::net
