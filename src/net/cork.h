// The output buffer of a read step.
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

// Totals over all connections of a reactor.
struct SendTally {
  std::uint64_t bytes = 0;    // accepted by the kernel
  std::uint64_t dropped = 0;  // messages that slow policies have dropped
  std::uint64_t waiting = 0;  // bytes that are in send queues now
  // The memory that send queues have taken, less the memory that they have freed. A block that
  // queues of several reactors share may be added by one and subtracted by another, so only the sum
  // over all reactors has a meaning, modulo 2^64.
  std::uint64_t memory = 0;
};

// Gathers the output of the connection in its read step, which leaves in one system call when the
// step ends. There is one cork per reactor, and one owner at a time. Reactor thread only.
class Cork {
 public:
  static constexpr std::size_t kMostCapacity = std::size_t{64} << 10;

  // The capacity is at most `most`, because output that the socket does not take must fit the
  // owner's send queue.
  explicit Cork(std::size_t most = kMostCapacity)
      : capacity_(std::min(most, kMostCapacity)),
        buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(capacity_ + kMostFast)),
        front_(buffer_.get()),
        back_(buffer_.get()),
        fast_end_(buffer_.get()) {}

  void begin(const Outbound& owner) noexcept {
    WSD_DCHECK(owner_ == nullptr && back_ == buffer_.get() && fast_end_ == buffer_.get());
    owner_ = &owner;
  }
  void end() noexcept {
    WSD_DCHECK(bytes().empty());
    owner_ = nullptr;
    disable_fast_path();
  }
  [[nodiscard]] bool holds_for(const Outbound& outbound) const noexcept {
    return owner_ == &outbound;
  }

  [[nodiscard]] Bytes bytes() const noexcept { return {front_, back_}; }
  [[nodiscard]] std::size_t room() const noexcept {
    return capacity_ - static_cast<std::size_t>(back_ - buffer_.get());
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  // Returns space for `count` more bytes, which the caller must fill. There must be room.
  [[nodiscard]] std::uint8_t* extend(std::size_t count) noexcept {
    WSD_DCHECK(count <= room());
    return std::exchange(back_, back_ + count);
  }
  // Removes that many bytes, which have been sent, from the front.
  void cut_front(std::size_t count) noexcept {
    WSD_DCHECK(count <= bytes().size());
    front_ += count;
  }
  void clear() noexcept { front_ = back_ = buffer_.get(); }

  // The fast path. While it is enabled, a small frame may be written here without any check except
  // for room. An event that makes another check necessary must disable it, until the next begin().
  void enable_fast_path() noexcept { fast_end_ = buffer_.get() + capacity_; }
  void disable_fast_path() noexcept { fast_end_ = buffer_.get(); }
  // Returns whether the fast path is enabled and has room for `count` bytes, from 1 to kMostFast.
  static constexpr std::size_t kMostFast = 128;
  [[nodiscard]] bool has_fast_room(std::size_t count) const noexcept {
    WSD_DCHECK(count - 1 < kMostFast);
    return back_ + count <= fast_end_;
  }

  // Kept here because every sender has the cork at hand.
  SendTally tally;

 private:
  std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> buffer_;  // kMostFast bytes longer, for has_fast_room()
  std::uint8_t* front_;                     // of the unsent bytes
  std::uint8_t* back_;
  std::uint8_t* fast_end_;  // the end of the capacity, or its beginning: the fast path is disabled
  const Outbound* owner_ = nullptr;
};

}  // namespace wsd::net
