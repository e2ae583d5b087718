// Messages of one room that travel together.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/shared_bytes.h"

namespace wsd::hub {

// Encoded frames in the order of their room. A member with nothing queued is sent the pieces, which
// are as few as can be; one with a backlog queues the frames, each of which may later be dropped by
// itself. Both are slices of the same blocks. Immutable once made; shared by all shards.
class Batch {
 public:
  // Small frames are copied side by side into one block; large ones stay where they are.
  explicit Batch(std::vector<SharedBytes> frames);

  [[nodiscard]] std::span<const Slice> frames() const noexcept { return frames_; }
  [[nodiscard]] std::span<const Slice> pieces() const noexcept {
    return pieces_.empty() ? std::span<const Slice>(frames_) : std::span<const Slice>(pieces_);
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::vector<Slice> frames_;
  std::vector<Slice> pieces_;  // empty when it would equal frames_
  std::size_t bytes_ = 0;
};

}  // namespace wsd::hub
