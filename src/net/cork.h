// What the connection in its read step sends is gathered here and leaves in one system call when
// the step ends. One for a reactor; it belongs to one connection at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

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
        buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(capacity_)) {}

  void begin(const Outbound& owner) noexcept {
    WSD_DCHECK(owner_ == nullptr && size_ == 0 && gone_ == 0);
    owner_ = &owner;
  }
  void end() noexcept {
    WSD_DCHECK(size_ == 0);
    owner_ = nullptr;
  }
  [[nodiscard]] bool holds_for(const Outbound& outbound) const noexcept {
    return owner_ == &outbound;
  }

  [[nodiscard]] Bytes bytes() const noexcept { return {buffer_.get() + gone_, size_ - gone_}; }
  [[nodiscard]] std::size_t room() const noexcept { return capacity_ - size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  // `count` more bytes, for the caller to write. There must be room.
  [[nodiscard]] std::uint8_t* extend(std::size_t count) noexcept {
    WSD_DCHECK(count <= room());
    std::uint8_t* const at = buffer_.get() + size_;
    size_ += count;
    return at;
  }
  // That many bytes at the front have left.
  void cut_front(std::size_t count) noexcept {
    WSD_DCHECK(count <= size_ - gone_);
    gone_ += count;
  }
  void clear() noexcept { size_ = gone_ = 0; }

  // Kept here since whoever sends has the cork at hand.
  SendTally tally;

 private:
  std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t size_ = 0;
  std::size_t gone_ = 0;
  const Outbound* owner_ = nullptr;
};

}  // namespace wsd::net
