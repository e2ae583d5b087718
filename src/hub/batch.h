// Messages of one room that are sent together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "wsd/connection.h"
#include "wsd/options.h"
#include "wsd/position.h"

namespace wsd::hub {

using wsd::Position;

// The slow policy of a batch, for members that do not keep up.
struct SlowPolicyFor {
  std::optional<SlowPolicy> policy = {};  // without a value: the policy of the connection
  std::uint64_t room = 0;                 // identifies the room for kLatestOnly; otherwise unused
};

// A member that must not get one message of a batch.
struct Exclusion {
  ConnectionId member = 0;
  std::uint32_t message = 0;  // its index in the batch
};

// Holds encoded frames in the order of their room. A member with an empty send queue is sent the
// pieces, which are as few as possible. A member with a backlog queues the frames, because it may
// later drop each frame by itself. Both are slices of the same blocks. A batch is immutable, and
// all shards share it.
class Batch {
 public:
  // Copies the small frames into one block, and takes the large frames without a copy. Throws
  // std::bad_alloc if memory runs out; `frames` is then unchanged.
  explicit Batch(std::vector<SharedBytes>&& frames);
  // Returns a batch that copies no frame, for frames that a history holds as well.
  [[nodiscard]] static Batch of_shared(std::vector<SharedBytes>&& frames);

  // Returns this batch without the messages of `left_out`, which are in ascending order. Copies no
  // frame. Throws std::bad_alloc if memory runs out.
  [[nodiscard]] Batch without(std::span<const Exclusion> left_out) const;

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

// The encoding in which a member gets messages. The layer above assigns the numbers. 0 is the plain
// encoding, in which publishers pass their messages.
using Encoding = std::uint8_t;
inline constexpr Encoding kIdentity = 0;

// Converts messages from the plain encoding to another one. Reactor thread only.
class Encoder {
 public:
  // Returns `plain` in `encoding`. `position` is the message's position in its room. Returns an
  // empty frame if this is too much work for the current turn: members then get `plain`. May throw
  // std::bad_alloc.
  [[nodiscard]] virtual SharedBytes encode(const SharedBytes& plain, Encoding encoding,
                                           const Position& position) = 0;
  // Returns whether members that want `wanted` may get a message in the encoding `stored`.
  [[nodiscard]] virtual bool serves(Encoding stored, Encoding wanted) const noexcept {
    return stored == wanted;
  }
  // Returns whether a history that stores a message in the encoding `stored` should rather store it
  // in the encoding `made`.
  [[nodiscard]] virtual bool replaces(Encoding /*made*/, Encoding /*stored*/) const noexcept {
    return true;
  }
  // Returns a frame that tells a member of a gap: messages up to `position` are missing. Returns an
  // empty frame if the encoding has no such notice. May throw std::bad_alloc.
  [[nodiscard]] virtual SharedBytes gap_notice(Encoding /*encoding*/,
                                               const Position& /*position*/) {
    return {};
  }
  // Returns a frame that tells a member its position: it need not ask for messages up to
  // `position`. Returns an empty frame if the encoding has no such notice. May throw
  // std::bad_alloc.
  [[nodiscard]] virtual SharedBytes position_notice(Encoding /*encoding*/,
                                                    const Position& /*position*/) {
    return {};
  }

 protected:
  ~Encoder() = default;
};

// One batch in each encoding that a room's members want. The home shard makes it once, and all
// shards share it.
class BatchSet {
 public:
  // Calls `encoder` for each of `encodings` except kIdentity. The first of `frames` has the
  // position `first`, and the others follow it. Throws std::bad_alloc if memory runs out; `frames`
  // is then unchanged.
  BatchSet(std::vector<SharedBytes>&& frames, std::span<const Encoding> encodings, Encoder* encoder,
           const Position& first, const SlowPolicyFor& slow_rule = {},
           std::span<const Exclusion> exclusions = {});

  // Returns a set without plain messages, which has the frame `make(encoding)` in each of
  // `encodings` for which there is one. Returns nullptr if there is none. Throws as the
  // constructor.
  template <class Make>
  [[nodiscard]] static std::shared_ptr<const BatchSet> of_notices(
      std::span<const Encoding> encodings, Make make) {
    auto set = std::make_shared<BatchSet>(std::vector<SharedBytes>(), std::span<const Encoding>(),
                                          nullptr, Position{});
    for (const Encoding encoding : encodings) {
      SharedBytes notice = make(encoding);
      if (!notice) continue;
      std::vector<SharedBytes> frames;
      frames.push_back(std::move(notice));
      set->others_.emplace_back(encoding, Batch(std::move(frames)));
    }
    return set->others_.empty() ? nullptr : set;
  }

  // Returns the batch in `encoding`, or the plain batch if the set does not have that encoding.
  [[nodiscard]] const Batch& of(Encoding encoding) const noexcept;
  // Returns whether all members get all messages.
  [[nodiscard]] bool is_for_all() const noexcept { return exclusions_.empty(); }
  // Returns the messages that the member must not get, in ascending order.
  [[nodiscard]] std::span<const Exclusion> left_out_for(ConnectionId member) const noexcept;
  // Returns whether of_notices() has made the set.
  [[nodiscard]] bool is_of_notices() const noexcept { return plain_.frames().empty(); }
  // Returns the number of messages.
  [[nodiscard]] std::size_t size() const noexcept { return plain_.frames().size(); }
  // Returns the size of the messages in all encodings.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::vector<std::pair<Encoding, Batch>> others_;  // made before plain_ takes the frames
  std::vector<Exclusion> exclusions_;               // by member, and then by message
  Batch plain_;
};

}  // namespace wsd::hub
