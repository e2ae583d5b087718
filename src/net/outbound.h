// The output of one connection.
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

// The state of the turn that sending needs.
struct SendContext {
  Cork& cork;
  const SendQueueLimits& limits;
  Tick now;
  std::size_t grant = 0;                          // see SendQueue
  bool replay = false;                            // see SendQueue::push_replay()
  const hub::SlowPolicyFor* slow_rule = nullptr;  // the room's policy; null: none
  bool answer = false;                            // see SendQueue::push_answer()
};

// Sends straight to the socket if possible, and queues the rest. After kGone or kNoMemory nothing
// more can be sent, because the stream may end in the middle of a frame. Reactor thread only.
class Outbound {
 public:
  enum class Status : std::uint8_t {
    kSent,       // in the kernel or in the cork
    kQueued,     // in the queue; flush() is due when the socket is writable
    kDropped,    // the slow-consumer policy dropped the message
    kOverBound,  // the policy is to disconnect; nothing was queued
    kGone,       // the connection is dead
    kNoMemory,
  };

  // `fd` must outlive the object.
  explicit Outbound(int fd) noexcept : fd_(fd) {}
  [[nodiscard]] int fd() const noexcept { return fd_; }
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;

  // A latch: readiness sets it, and only EAGAIN clears it.
  void set_writable() noexcept { writable_ = true; }
  [[nodiscard]] bool writable() const noexcept { return writable_; }

  // The fast path at the end of the read step: sends the bytes in the cork in one piece. Returns
  // false if some bytes are left, and the caller must call uncork().
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
  // `compressed`: permessage-deflate was applied to the payload.
  Status send_message(protocol::Opcode opcode, Bytes payload, bool compressed,
                      const SendContext& context);
  // Sends a message as a client does, masked with `key`.
  Status send_masked(protocol::Opcode opcode, Bytes payload, bool compressed,
                     protocol::MaskingKey key, const SendContext& context);
  Status send_frame(const SharedBytes& frame, const SendContext& context);
  // Returns the worst status of the messages in the batch.
  Status send_batch(const hub::Batch& batch, const SendContext& context);
  // If there is a queue, the Pong waits in its control lane, and replaces a Pong that waits there.
  Status send_pong(const protocol::ControlFrame& frame, const SendContext& context);
  // Sends a control frame other than Pong and Close.
  Status send_control(const protocol::ControlFrame& frame, const SendContext& context);
  // Must be the last call that sends.
  Status send_close(const protocol::ControlFrame& frame, SendQueue::ClosePlace place,
                    const SendContext& context);
  // Sends bytes that are not a frame: an HTTP response.
  Status send_raw(Bytes bytes, const SendContext& context);
  // Ends our direction of the stream. Everything must be in the kernel.
  void shut() noexcept {
    shutdown_write(fd_);
    shut_ = true;
  }

  // Sends the bytes in the cork, or queues them. The cork is empty afterwards, unless
  // std::bad_alloc is thrown.
  Status uncork(const SendContext& context);
  // Sends from the queue until it is empty or the socket takes no more.
  Status flush(const SendContext& context);

  [[nodiscard]] bool idle() const noexcept { return queue_ == nullptr; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept {
    return queue_ == nullptr ? 0 : queue_->bytes();
  }
  // Returns the memory of the queue in bytes. See SendQueue.
  [[nodiscard]] std::size_t memory() const noexcept {
    return queue_ == nullptr ? 0 : queue_->memory();
  }
  // See SendQueue.
  [[nodiscard]] bool high(const SendQueueLimits& limits) const noexcept {
    return queue_ != nullptr && queue_->high(limits);
  }
  [[nodiscard]] bool low(const SendQueueLimits& limits) const noexcept {
    return queue_ == nullptr || queue_->low(limits);
  }
  // Returns nullptr if nothing is queued.
  [[nodiscard]] const SendQueue* queue() const noexcept { return queue_.get(); }

  // Asks the kernel how many bytes it has taken that the peer has not acknowledged. A system call:
  // not for the path of messages.
  [[nodiscard]] std::size_t unacknowledged() const noexcept {
    const std::size_t bytes = unacknowledged_bytes(fd_);
    return bytes - (shut_ && bytes != 0 ? 1U : 0U);  // the FIN is not data
  }
  // Returns the low bits of the number of bytes that the peer has acknowledged so far, if that many
  // are not acknowledged. Bits of two counts are compared with grown_by().
  [[nodiscard]] std::uint32_t acknowledged(std::size_t unacknowledged) const noexcept {
    return static_cast<std::uint32_t>(bytes_sent_ - unacknowledged);
  }
  [[nodiscard]] static std::int32_t grown_by(std::uint32_t count, std::uint32_t before) noexcept {
    return static_cast<std::int32_t>(count - before);
  }
  // Returns the low bits of the position in the stream at which a new control frame would be.
  [[nodiscard]] std::uint32_t control_position() const noexcept {
    const std::size_t before = queue_ == nullptr ? 0 : queue_->bytes_before_control();
    return static_cast<std::uint32_t>(bytes_sent_ + before);
  }
  // See SendQueue::look(). There must be a queue.
  [[nodiscard]] bool look(Tick now, Tick timeout) noexcept {
    return queue_->look(acknowledged(unacknowledged()), now, timeout);
  }
  // Frees the queue of a connection that sends nothing more. Counts its messages as dropped if
  // `messages` is true.
  void abandon(Cork& cork, bool messages) noexcept;
  // Returns the number of bytes that the kernel has taken so far.
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_ + (queue_ == nullptr ? std::uint64_t{0} : queue_->dropped());
  }

 private:
  [[nodiscard]] SendQueue& queue_for(const SendContext& context);
  [[nodiscard]] std::optional<Status> send_now(Bytes control, const SendContext& context);
  Status enqueue(Slice frame, const SendContext& context);
  Status enqueue_rest(std::span<const Slice> frames, std::size_t sent, const SendContext& context);
  // Copies and queues all but the first `sent` bytes of `first` and `second`.
  Status keep_rest(Bytes first, Bytes second, std::size_t sent, const SendContext& context);
  // Counts the bytes that the kernel took and updates the latch. Returns false if the connection is
  // dead.
  [[nodiscard]] bool account(const IoResult& result, Cork& cork) noexcept;

  // `abandoned`: messages that are dropped with the queue.
  void end_queue(std::size_t abandoned = 0) noexcept;

  std::unique_ptr<SendQueue> queue_;  // exists while there is a backlog
  std::uint64_t bytes_sent_ = 0;
  int fd_;
  std::uint32_t dropped_ = 0;  // by earlier queues; stops at its largest value
  bool writable_ = true;       // a new socket takes bytes
  bool shut_ = false;          // our FIN was sent
};

}  // namespace wsd::net
