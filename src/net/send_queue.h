// What waits to be sent on one connection: bytes and order, no system calls.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/batch.h"
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

// Frames in the order in which they will leave, and beside them the control lane: a Pong waits
// there, a newer one taking its place (RFC 6455 §5.5.3), until the next frame boundary.
//
// Up to its high-water mark the queue takes one frame of any size; above it only what fits the
// bound. So it never holds more than the bound, or half of it and one message. Beyond that it may
// be granted a number of bytes, once until it is down at the mark again: for what a peer has asked
// for already when it is left unread. A frame of which a byte has left is never dropped, nor is a
// control frame. Frames of one batch share a block, which lives as long as one of them: where
// others were dropped, what is queued gets a block of its own.
//
// Each frame comes with its own policy, or has that of the limits. Only frames of kDropOldest are
// dropped for others; one of kLatestOnly takes the place of the one of its room.
class SendQueue {
 public:
  enum class Verdict : std::uint8_t {
    kQueued,     // in the queue; others may have been dropped for it, see dropped()
    kDropped,    // this frame was dropped
    kOverBound,  // policy kDisconnect: nothing was queued, the connection is to be ended
  };

  // `waiting` outlives the queue, whose bytes are counted in it; nullptr: they are not.
  explicit SendQueue(Tick now, std::uint64_t* waiting = nullptr)
      : waiting_(waiting), last_progress_(now) {}
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;
  ~SendQueue() { set_bytes(0); }

  // Whether push() would take a frame of that size without dropping anything.
  [[nodiscard]] bool admits(std::size_t size, const SendQueueLimits& limits,
                            std::size_t grant = 0) const noexcept;
  [[nodiscard]] Verdict push(Slice frame, const SendQueueLimits& limits, std::size_t grant = 0,
                             const hub::SlowPolicyFor& rule = {});
  // What the peer has asked for as a whole: never dropped, and not counted against the bound, which
  // is for what comes after it.
  void push_replay(Slice frame);
  // The rest of something that has begun to leave; `replay`: of a replay.
  void push_started(Slice rest, bool replay = false);
  void set_pong(const protocol::ControlFrame& pong) noexcept { pong_ = pong; }
  // Any other control frame but Close: leaves at the next frame boundary.
  void push_control(const protocol::ControlFrame& frame);
  // The Close frame goes behind the data that is queued when that is little, and takes the place of
  // all of it but the frame under way when it is much. Nothing may be pushed afterwards.
  void push_close(const protocol::ControlFrame& close);

  [[nodiscard]] bool empty() const noexcept { return entries_.empty() && !pong_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t frames() const noexcept { return entries_.size(); }
  // More than half full: the connection is not read, so that what it asks for cannot pile up.
  [[nodiscard]] bool high(const SendQueueLimits& limits) const noexcept {
    return bounded_bytes() > limits.high_water() || bounded_frames() > limits.frames / 2;
  }
  // At most a quarter full: it is read again.
  [[nodiscard]] bool low(const SendQueueLimits& limits) const noexcept {
    return bounded_bytes() <= limits.low_water() && bounded_frames() <= limits.frames / 4;
  }
  // Messages dropped so far.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

  // Fills `pieces` with what to send next and returns how many it used.
  [[nodiscard]] std::size_t gather(std::span<iovec> pieces);
  // That many bytes have left.
  void consume(std::size_t count, Tick now) noexcept;
  // When a byte last left, or the queue was made.
  [[nodiscard]] Tick last_progress() const noexcept { return last_progress_; }

 private:
  enum class Kind : std::uint8_t {
    kData,
    kReplay,
    kStarted,  // the rest of something that has begun to leave
    kControl,
    kPong,
  };
  struct Entry {
    Slice slice;
    Kind kind = Kind::kData;
    bool replay = false;     // not counted against the bound
    bool droppable = false;  // data of kDropOldest of which nothing has left
    bool latest = false;     // data of kLatestOnly of which nothing has left
    std::uint64_t room = 0;  // whose latest it is
  };

  void count_replay(Entry& entry) noexcept;
  // What the bound is for.
  [[nodiscard]] std::size_t bounded_bytes() const noexcept {
    return bytes_ - std::min(bytes_, replay_bytes_);
  }
  [[nodiscard]] std::size_t bounded_frames() const noexcept {
    return entries_.size() - replay_frames_;
  }

  [[nodiscard]] bool within(std::size_t size, const SendQueueLimits& limits) const noexcept;
  [[nodiscard]] bool dropping_helps(std::size_t size, const SendQueueLimits& limits) const noexcept;
  bool drop_oldest();
  [[nodiscard]] bool take_place(Slice& frame, const SendQueueLimits& limits, std::uint64_t room);
  void own_block(Slice& frame) const;
  // Before an entry goes, or begins to leave.
  void settle(Entry& entry) noexcept;
  void set_bytes(std::size_t bytes) noexcept {
    if (waiting_ != nullptr) *waiting_ += bytes - bytes_;
    bytes_ = bytes;
  }
  void insert(std::size_t position, const protocol::ControlFrame& frame, Kind kind);
  void place_pong();
  // Where control frames begin: in front, but not in the middle of a frame.
  [[nodiscard]] std::size_t boundary() const noexcept;
  // Behind the control frames there.
  [[nodiscard]] std::size_t behind_control() const noexcept;

  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t* waiting_;
  std::size_t replay_bytes_ = 0;  // of what is queued
  std::size_t replay_frames_ = 0;
  std::size_t droppable_bytes_ = 0;
  std::size_t droppable_frames_ = 0;
  std::size_t latest_frames_ = 0;
  std::size_t granted_ = 0;     // bytes taken beyond the bound
  std::size_t front_sent_ = 0;  // bytes of the first entry that have left
  std::uint64_t dropped_ = 0;
  bool gaps_ = false;  // a frame was dropped that others behind it may have shared a block with
  Tick last_progress_;
  std::optional<protocol::ControlFrame> pong_;
};

}  // namespace wsd::net
