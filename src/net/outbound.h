// The sending side of one connection: straight to the socket when it can, queued when it must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/batch.h"
#include "net/cork.h"
#include "net/send_queue.h"
#include "net/socket.h"
#include "protocol/frame_writer.h"

namespace wsd::net {

// What sending needs of the turn.
struct SendContext {
  Cork& cork;
  const SendQueueLimits& limits;
  Tick now;
  std::size_t grant = 0;                          // see SendQueue
  bool replay = false;                            // likewise
  const hub::SlowPolicyFor* slow_rule = nullptr;  // of the room; null: none
};

// Reactor thread only. After kGone or kNoMemory nothing more can be sent: the stream may be torn in
// the middle of a frame.
class Outbound {
 public:
  enum class Status : std::uint8_t {
    kSent,       // with the kernel, or in the cork
    kQueued,     // waits; flush() is due when the socket is writable
    kDropped,    // the slow-consumer policy dropped the message
    kOverBound,  // the policy asks for the connection to be ended; nothing was queued
    kGone,       // the connection is dead
    kNoMemory,
  };

  // `fd` outlives this.
  explicit Outbound(int fd) noexcept : fd_(fd) {}
  [[nodiscard]] int fd() const noexcept { return fd_; }
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;

  // The latch: set by readiness, cleared by EAGAIN alone.
  void set_writable() noexcept { writable_ = true; }
  [[nodiscard]] bool writable() const noexcept { return writable_; }

  // The short way at the end of the read step: what is in the cork leaves in one piece. False:
  // there is more to it, and uncork() is to go on.
  [[nodiscard]] bool uncork_whole(Cork& cork) noexcept {
    const Bytes bytes = cork.bytes();
    if (!bytes.empty()) {
      if (!writable_ || queue_ != nullptr) return false;
      const IoResult result = send_bytes(fd_, bytes);
      bytes_sent_ += result.bytes;
      cork.tally.bytes += result.bytes;
      if (result.bytes != bytes.size()) {
        if (result.status == IoStatus::kAgain) writable_ = false;
        cork.cut_front(result.bytes);
        return false;
      }
      cork.clear();
    }
    return true;
  }
  // `compressed`: the payload is, by permessage-deflate.
  Status send_message(protocol::Opcode opcode, Bytes payload, bool compressed,
                      const SendContext& context);
  Status send_frame(const SharedBytes& frame, const SendContext& context);
  // The worst of what became of its messages.
  Status send_batch(const hub::Batch& batch, const SendContext& context);
  // A Pong waits in the control lane where there is a queue, the latest alone.
  Status send_pong(const protocol::ControlFrame& frame, const SendContext& context);
  // Any other control frame but Close.
  Status send_control(const protocol::ControlFrame& frame, const SendContext& context);
  // Nothing may be sent afterwards.
  Status send_close(const protocol::ControlFrame& frame, const SendContext& context);
  // Bytes that are no frame: an HTTP response.
  Status send_raw(Bytes bytes, const SendContext& context);

  // At the end of the read step: what the cork holds for this connection leaves or is queued.
  Status uncork(const SendContext& context);
  // Sends what is queued until there is nothing or the socket takes no more.
  Status flush(const SendContext& context);

  [[nodiscard]] bool idle() const noexcept { return queue_ == nullptr; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept {
    return queue_ == nullptr ? 0 : queue_->bytes();
  }
  // See SendQueue.
  [[nodiscard]] bool high(const SendQueueLimits& limits) const noexcept {
    return queue_ != nullptr && queue_->high(limits);
  }
  [[nodiscard]] bool low(const SendQueueLimits& limits) const noexcept {
    return queue_ == nullptr || queue_->low(limits);
  }
  // Null when idle.
  [[nodiscard]] const SendQueue* queue() const noexcept { return queue_.get(); }
  // What the kernel has taken so far.
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_ + (queue_ == nullptr ? std::uint64_t{0} : queue_->dropped());
  }

 private:
  [[nodiscard]] SendQueue& queue_for(const SendContext& context);
  [[nodiscard]] std::optional<Status> send_now(Bytes control, const SendContext& context);
  Status enqueue(Slice frame, const SendContext& context);
  Status enqueue_rest(std::span<const Slice> frames, std::size_t sent, const SendContext& context);
  // What send() did with `sent` of `bytes`: the rest is copied and queued.
  Status keep_rest(Bytes first, Bytes second, std::size_t sent, const SendContext& context);
  // Counts what the kernel took and keeps the latch. False when the connection is dead.
  [[nodiscard]] bool account(const IoResult& result, Cork& cork) noexcept;

  void end_queue() noexcept;

  std::unique_ptr<SendQueue> queue_;  // appears with the first backlog, goes with the last
  std::uint64_t bytes_sent_ = 0;
  int fd_;
  std::uint32_t dropped_ = 0;  // by queues that are gone; stops at its largest value
  bool writable_ = true;       // a fresh socket takes bytes
};

}  // namespace wsd::net
