// Messages of one room that travel together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "wsd/options.h"
#include "wsd/position.h"

namespace wsd::hub {

using wsd::Position;

// How a member who does not keep up is treated.
struct SlowPolicyFor {
  std::optional<SlowPolicy> policy = {};  // without: the connection's own
  std::uint64_t room = 0;                 // of which a message is; for kLatestOnly alone
};

// Encoded frames in the order of their room. A member with nothing queued is sent the pieces, which
// are as few as can be; one with a backlog queues the frames, each of which may later be dropped by
// itself. Both are slices of the same blocks. Immutable once made; shared by all shards.
class Batch {
 public:
  // Small frames are copied side by side into one block; large ones stay where they are. Where
  // memory runs out (std::bad_alloc) `frames` is as it was.
  explicit Batch(std::vector<SharedBytes>&& frames);
  // Each frame stays where it is: for what others hold too.
  [[nodiscard]] static Batch of_shared(std::vector<SharedBytes>&& frames);

  [[nodiscard]] std::span<const Slice> frames() const noexcept { return frames_; }
  [[nodiscard]] std::span<const Slice> pieces() const noexcept {
    return pieces_.empty() ? std::span<const Slice>(frames_) : std::span<const Slice>(pieces_);
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] const SlowPolicyFor& slow_rule() const noexcept { return slow_rule_; }
  void set_slow_rule(const SlowPolicyFor& rule) noexcept { slow_rule_ = rule; }

 private:
  Batch() = default;

  std::vector<Slice> frames_;
  std::vector<Slice> pieces_;  // empty when it would equal frames_
  std::size_t bytes_ = 0;
  SlowPolicyFor slow_rule_;
};

// Which encoding of a message a member wants; what the numbers mean is the layer above's. 0 is the
// plain one that publishers hand in.
using Encoding = std::uint8_t;
inline constexpr Encoding kIdentity = 0;

// Makes the other encodings. Reactor thread only.
class Encoder {
 public:
  // `position` is the message's place in its room.
  [[nodiscard]] virtual SharedBytes encode(const SharedBytes& plain, Encoding encoding,
                                           const Position& position) = 0;
  // What tells a member that messages before those after `position` are missing; empty where the
  // encoding has no word for it.
  [[nodiscard]] virtual SharedBytes gap_notice(Encoding /*encoding*/,
                                               const Position& /*position*/) {
    return {};
  }

 protected:
  ~Encoder() = default;
};

// One batch in each encoding that a room's members want: made once, by the room's home, and shared
// by all shards.
class BatchSet {
 public:
  // `encoder` is asked for each of `encodings` but kIdentity; the first of `frames` has its place
  // at `first`, the others follow it. Where memory runs out (std::bad_alloc) `frames` is as it was.
  BatchSet(std::vector<SharedBytes>&& frames, std::span<const Encoding> encodings, Encoder* encoder,
           const Position& first, const SlowPolicyFor& slow_rule = {});

  [[nodiscard]] const Batch& of(Encoding encoding) const noexcept;
  // Messages in it.
  [[nodiscard]] std::size_t size() const noexcept { return plain_.frames().size(); }

 private:
  std::vector<std::pair<Encoding, Batch>> others_;  // made from the frames before plain_ takes them
  Batch plain_;
};

}  // namespace wsd::hub
