// The frames that wait to be sent on one connection.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/index_list.h"
#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/batch.h"
#include "net/cork.h"
#include "protocol/frame_writer.h"
#include "wsd/options.h"

namespace wsd::net {

struct SendQueueLimits {
  std::size_t bytes = std::size_t{1} << 20;
  std::uint32_t frames = 16'384;
  SlowPolicy policy = SlowPolicy::kDisconnect;

  [[nodiscard]] std::size_t high_water() const noexcept { return bytes / 2; }
  [[nodiscard]] std::size_t low_water() const noexcept { return bytes / 4; }
};

// Keeps frames in the order in which they will be sent. It makes no system calls. Besides the
// frames it has a control lane for one Pong, which waits for the next frame boundary. A newer Pong
// replaces the waiting one (RFC 6455 §5.5.3).
//
// Limits: up to its high-water mark the queue takes one frame of any size, and above the mark only
// a frame within the limit. So its messages never have more bytes than the limit, or than half of
// it and one message. Besides them it holds:
// * a replay, which the peer asked for
// * the rest of the cork when the socket took no more, at most Cork::kMostCapacity
// * the bytes that the caller grants, for responses to input that was read before reading paused; a
// grant is
//   used up until the queue is down at the mark again
// * control frames: a Pong, a Close and the Pings of the heartbeat
// memory() also counts sent bytes of a frame that is not sent completely, and the list of frames.
//
// Each operation takes constant time, amortized, whatever is queued.
//
// Dropping: a frame is never dropped once a byte of it was sent, and a control frame or an HTTP
// response never. Frames of one batch share a block, which stays allocated while one of them is
// queued. If some were dropped, later frames get a block of their own.
//
// Policies: a frame has its own policy, or the policy of the limits. Only frames of kDropOldest are
// dropped for others. A frame of kLatestOnly replaces the frame of its room.
class SendQueue {
 public:
  enum class Verdict : std::uint8_t {
    kQueued,     // in the queue; others may have been dropped for this one, see dropped()
    kDropped,    // this frame was dropped
    kOverBound,  // policy kDisconnect: nothing was queued, and the connection must be ended
  };
  // The place of a Close frame.
  enum class ClosePlace : std::uint8_t {
    kLast,       // after everything that is queued
    kOvertakes,  // instead of a long queue, except for frames that may not be dropped
  };

  // The queue counts its bytes and its memory in `tally`, which must outlive it and may be nullptr.
  explicit SendQueue(Tick now, SendTally* tally = nullptr);
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;
  ~SendQueue();

  // Returns whether push() would take a frame of that size without dropping another.
  [[nodiscard]] bool admits(std::size_t size, const SendQueueLimits& limits,
                            std::size_t grant = 0) const noexcept;
  [[nodiscard]] Verdict push(Slice frame, const SendQueueLimits& limits, std::size_t grant = 0,
                             const hub::SlowPolicyFor& rule = {});
  // Queues an HTTP response. No control frame overtakes it. Returns kOverBound if it exceeds the
  // limits.
  [[nodiscard]] Verdict push_answer(Slice response, const SendQueueLimits& limits,
                                    std::size_t grant = 0);
  // Queues a frame of replayed history. It is never dropped and does not count against the limit,
  // because the peer asked for it.
  void push_replay(Slice frame);
  // Queues the rest of frames that were sent in part. `replay`: they belong to a replay.
  void push_started(Slice rest, bool replay = false);
  void set_pong(const protocol::ControlFrame& pong) noexcept { pong_ = pong; }
  // Queues a control frame other than Pong and Close. It is sent at the next frame boundary.
  void push_control(const protocol::ControlFrame& frame);
  // Queues the Close frame. Nothing may be pushed afterwards.
  void push_close(const protocol::ControlFrame& close, ClosePlace place);

  [[nodiscard]] bool empty() const noexcept { return entries_.empty() && !pong_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t frames() const noexcept { return entries_.size(); }
  // Returns the memory in bytes that the queue needs, if it shares no frame with another queue.
  [[nodiscard]] std::size_t memory() const noexcept {
    return sizeof(SendQueue) + entries_.memory() + bytes_ + front_sent_;
  }
  // Returns true if the queue is more than half full. Reading then pauses, so that responses cannot
  // pile up.
  [[nodiscard]] bool high(const SendQueueLimits& limits) const noexcept {
    return bounded_bytes() > limits.high_water() || bounded_frames() > limits.frames / 2;
  }
  // Returns true if the queue is at most a quarter full. Reading then resumes.
  [[nodiscard]] bool low(const SendQueueLimits& limits) const noexcept {
    return bounded_bytes() <= limits.low_water() && bounded_frames() <= limits.frames / 4;
  }
  // Returns the number of messages dropped so far.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

  // Fills `pieces` with the bytes to send next, and returns the number of pieces used.
  [[nodiscard]] std::size_t gather(std::span<iovec> pieces);
  // Removes that many bytes, which were sent.
  void consume(std::size_t count, Tick now) noexcept;
  // Returns the time of the last progress: a byte was sent, look() has seen progress, or the queue
  // was created.
  [[nodiscard]] Tick last_progress() const noexcept { return last_progress_; }

  // The kernel takes more bytes only after the peer has acknowledged a large part of its buffer.
  // So the write timeout also looks at the bytes that the peer has acknowledged: halfway, for a
  // value to compare with, and when the time is over.
  //
  // Returns whether look() was called since a byte was last sent.
  [[nodiscard]] bool looked() const noexcept { return looked_; }
  // Notes how many bytes the peer has acknowledged, in the low bits of the count. Returns true if
  // this look is the first since a byte was sent, or if the count has grown. `timeout`: the time
  // without progress that ends the connection; at least half of it is left after the first look.
  [[nodiscard]] bool look(std::uint32_t acknowledged, Tick now, Tick timeout) noexcept;

  // Returns the bytes that precede a new control frame: the rest of the frame that was sent in
  // part, and HTTP responses.
  [[nodiscard]] std::size_t bytes_before_control() const noexcept;
  // Returns the number of messages that are queued. A piece that was sent in part counts as one.
  [[nodiscard]] std::size_t messages() const noexcept;

 private:
  enum class Kind : std::uint8_t {
    kData,
    kReplay,
    kAnswer,   // an HTTP response
    kStarted,  // the rest of frames that were sent in part
    kControl,
    kPong,
  };
  struct Entry {
    Slice slice;
    Kind kind = Kind::kData;
    bool replay = false;     // does not count against the limits
    bool droppable = false;  // data of kDropOldest; no byte of it was sent
    bool latest = false;     // data of kLatestOnly; no byte of it was sent
    std::uint32_t next_droppable = kNone;
    std::uint64_t room = 0;  // the room of a `latest` entry
  };
  using Entries = IndexList<Entry>;
  using Index = Entries::Index;
  static constexpr Index kNone = ~std::uint32_t{0};

  void count_replay(Entry& entry) noexcept;
  // The part of the queue that the limits apply to.
  [[nodiscard]] std::size_t bounded_bytes() const noexcept {
    return bytes_ - std::min(bytes_, replay_bytes_);
  }
  [[nodiscard]] std::size_t bounded_frames() const noexcept {
    return entries_.size() - replay_frames_;
  }

  [[nodiscard]] bool within(std::size_t size, const SendQueueLimits& limits) const noexcept;
  [[nodiscard]] bool take_room(std::size_t size, const SendQueueLimits& limits,
                               std::size_t grant) noexcept;
  [[nodiscard]] bool dropping_helps(std::size_t size, const SendQueueLimits& limits) const noexcept;
  bool drop_oldest() noexcept;
  [[nodiscard]] bool take_place(Slice& frame, const SendQueueLimits& limits, std::uint64_t room);
  void own_block(Slice& frame) const;
  // Every entry is inserted and removed by these. insert() throws std::bad_alloc and has then
  // changed nothing.
  Index insert(Index next, Slice slice, Kind kind);
  void remove(Index index) noexcept;
  void count_memory(std::size_t added, std::size_t removed) const noexcept {
    if (tally_ != nullptr) tally_->memory += added - removed;
  }
  // Must be called before an entry is removed, or before its first byte is sent. A droppable entry
  // must be the oldest one.
  void settle(Entry& entry) noexcept;
  void set_bytes(std::size_t bytes) noexcept {
    if (tally_ != nullptr) tally_->waiting += bytes - bytes_;
    bytes_ = bytes;
  }
  void insert_control(Index next, const protocol::ControlFrame& frame, Kind kind);
  void place_pong();
  void drop_long_queue();
  // Returns the first entry that a control frame may overtake, or kNone. It follows a frame that
  // was sent in part, and HTTP responses.
  [[nodiscard]] Index boundary() const noexcept;
  // Returns the first entry after the control frames at the boundary, or kNone.
  [[nodiscard]] Index behind_control() const noexcept;

  Entries entries_;
  std::size_t bytes_ = 0;
  SendTally* tally_;
  std::size_t replay_bytes_ = 0;  // queued bytes of replays
  std::size_t replay_frames_ = 0;
  // The droppable entries, as a list in the order of the queue.
  Index oldest_droppable_ = kNone;
  Index newest_droppable_ = kNone;
  std::size_t droppable_bytes_ = 0;
  std::size_t droppable_frames_ = 0;
  std::unordered_map<std::uint64_t, Index> latest_;  // the `latest` entry of each room
  std::size_t granted_ = 0;                          // bytes taken beyond the limit
  std::size_t front_sent_ = 0;                       // bytes of the first entry that were sent
  std::uint64_t dropped_ = 0;
  bool gaps_ = false;    // a dropped frame may share its block with later frames
  bool looked_ = false;  // `acknowledged_` is not older than the last byte that was sent
  std::uint32_t acknowledged_ = 0;
  Tick last_progress_;
  std::optional<protocol::ControlFrame> pong_;
};

}  // namespace wsd::net
