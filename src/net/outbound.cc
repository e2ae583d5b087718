#include "net/outbound.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace wsd::net {
namespace {

// Copying a payload of at most this size into the cork costs less than a separate system call.
constexpr std::size_t kCorkedPayload = std::size_t{16} << 10;

constexpr std::size_t kMaxPieces = 64;

iovec piece_of(Bytes bytes) noexcept {
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

Outbound::Status status_of(SendQueue::Verdict verdict) noexcept {
  switch (verdict) {
    case SendQueue::Verdict::kQueued:
      return Outbound::Status::kQueued;
    case SendQueue::Verdict::kDropped:
      return Outbound::Status::kDropped;
    case SendQueue::Verdict::kOverBound:
      break;
  }
  return Outbound::Status::kOverBound;
}

}  // namespace

SendQueue& Outbound::queue_for(const SendContext& context) {
  if (queue_ == nullptr) {
    queue_ = std::make_unique<SendQueue>(context.now, &context.cork.tally);
    // No frame may overtake the queue.
    if (context.cork.holds_for(*this)) context.cork.disable_fast_path();
  }
  return *queue_;
}

bool Outbound::account(const IoResult& result, Cork& cork) noexcept {
  bytes_sent_ += result.bytes;
  cork.tally.bytes += result.bytes;
  if (result.status == IoStatus::kAgain) writable_ = false;
  return result.status != IoStatus::kGone && result.status != IoStatus::kEof;
}

Outbound::Status Outbound::enqueue(Slice frame, const SendContext& context) {
  if (!frame.block) return Status::kNoMemory;
  if (context.replay) {
    queue_for(context).push_replay(std::move(frame));
    return Status::kQueued;
  }
  // While the socket takes bytes, the output of one turn is not a backlog: the limit is for slow
  // peers.
  if (queue_ != nullptr && writable_ &&
      !queue_->admits(frame.size, context.limits, context.grant)) {
    if (flush(context) == Status::kGone) return Status::kGone;
  }
  SendQueue& queue = queue_for(context);
  if (context.answer) {
    return status_of(queue.push_answer(std::move(frame), context.limits, context.grant));
  }
  const std::uint64_t before = queue.dropped();
  const SendQueue::Verdict verdict =
      queue.push(std::move(frame), context.limits, context.grant,
                 context.slow_rule == nullptr ? hub::SlowPolicyFor{} : *context.slow_rule);
  context.cork.tally.dropped += queue.dropped() - before;
  return status_of(verdict);
}

Outbound::Status Outbound::keep_rest(Bytes first, Bytes second, std::size_t sent,
                                     const SendContext& context) {
  const Bytes head = first.subspan(std::min(sent, first.size()));
  const Bytes tail = second.subspan(sent > first.size() ? sent - first.size() : 0);
  if (head.empty() && tail.empty()) return Status::kSent;
  SharedBytes rest = SharedBytes::make(head.size() + tail.size());
  if (!rest) return Status::kNoMemory;
  std::uint8_t* const out = rest.mutable_bytes().data();
  std::copy(head.begin(), head.end(), out);
  std::copy(tail.begin(), tail.end(), out + head.size());
  if (sent != 0) {
    queue_for(context).push_started(Slice(std::move(rest)), context.replay);
    return Status::kQueued;
  }
  return enqueue(Slice(std::move(rest)), context);
}

Outbound::Status Outbound::send_message(protocol::Opcode opcode, Bytes payload, bool compressed,
                                        const SendContext& context) {
  const bool corked = context.cork.holds_for(*this);
  const std::size_t header_size = protocol::server_header_size(payload.size());
  const std::size_t total = header_size + payload.size();
  if (corked && queue_ == nullptr) {
    const bool copied = payload.size() <= kCorkedPayload && total <= context.cork.capacity();
    if (!copied || total > context.cork.room()) {
      const Status status = uncork(context);
      if (status == Status::kGone || status == Status::kNoMemory) return status;
    }
    if (copied && queue_ == nullptr) {
      std::uint8_t* const out = context.cork.extend(total);
      protocol::write_frame_header(out, opcode, payload.size(), compressed);
      if (!payload.empty()) std::memcpy(out + header_size, payload.data(), payload.size());
      return Status::kSent;
    }
  }
  if (!corked || queue_ != nullptr || !writable_) {
    return enqueue(Slice(protocol::make_frame(opcode, payload, compressed)), context);
  }
  // A large payload is sent without copying. Only the rest that the kernel does not take is copied.
  std::array<std::uint8_t, protocol::kMaxServerHeaderBytes> header;
  protocol::write_frame_header(header.data(), opcode, payload.size(), compressed);
  const Bytes head(header.data(), header_size);
  std::array<iovec, 2> pieces = {piece_of(head), piece_of(payload)};
  const IoResult result = send_pieces(fd_, pieces);
  if (!account(result, context.cork)) return Status::kGone;
  return keep_rest(head, payload, result.bytes, context);
}

// The payload is copied in any case, because it must be masked.
Outbound::Status Outbound::send_masked(protocol::Opcode opcode, Bytes payload, bool compressed,
                                       protocol::MaskingKey key, const SendContext& context) {
  const std::size_t total = protocol::masked_header_size(payload.size()) + payload.size();
  if (context.cork.holds_for(*this) && queue_ == nullptr) {
    const bool corked = payload.size() <= kCorkedPayload && total <= context.cork.capacity();
    if (!corked || total > context.cork.room()) {
      const Status status = uncork(context);
      if (status == Status::kGone || status == Status::kNoMemory) return status;
    }
    if (corked && queue_ == nullptr) {
      protocol::write_masked_frame(context.cork.extend(total), opcode, payload, key, compressed);
      return Status::kSent;
    }
  }
  return enqueue(Slice(protocol::make_masked_frame(opcode, payload, key, compressed)), context);
}

Outbound::Status Outbound::send_raw(Bytes bytes, const SendContext& context) {
  if (bytes.empty()) return Status::kSent;
  if (context.cork.holds_for(*this) && queue_ == nullptr) {
    if (bytes.size() > context.cork.room()) {
      const Status status = uncork(context);
      if (status == Status::kGone || status == Status::kNoMemory) return status;
    }
    if (queue_ == nullptr && bytes.size() <= context.cork.room()) {
      if (!bytes.empty())
        std::memcpy(context.cork.extend(bytes.size()), bytes.data(), bytes.size());
      return Status::kSent;
    }
  }
  // An HTTP response is never dropped, or the client would take the next response for it.
  SendContext answer = context;
  answer.answer = true;
  return enqueue(Slice(SharedBytes::copy_of(bytes)), answer);
}

Outbound::Status Outbound::send_frame(const SharedBytes& frame, const SendContext& context) {
  if (context.cork.holds_for(*this)) {
    const Status status = uncork(context);
    if (status == Status::kGone || status == Status::kNoMemory) return status;
  }
  return enqueue(Slice(frame), context);
}

Outbound::Status Outbound::send_batch(const hub::Batch& batch, const SendContext& context) {
  if (context.cork.holds_for(*this)) {
    const Status status = uncork(context);
    if (status == Status::kGone || status == Status::kNoMemory) return status;
  }
  if (queue_ != nullptr || !writable_) return enqueue_rest(batch.frames(), 0, context);
  const std::span<const Slice> pieces = batch.pieces();
  IoResult result;
  if (pieces.size() == 1) {
    result = send_bytes(fd_, pieces.front().bytes());
  } else {
    std::array<iovec, kMaxPieces> vectors;
    const std::size_t count = std::min(pieces.size(), kMaxPieces);
    for (std::size_t i = 0; i < count; ++i) vectors[i] = piece_of(pieces[i].bytes());
    result = send_pieces(fd_, std::span(vectors).first(count));
  }
  if (!account(result, context.cork)) return Status::kGone;
  if (result.bytes == batch.bytes()) return Status::kSent;
  return enqueue_rest(batch.frames(), result.bytes, context);
}

// Queues all but the first `sent` bytes of the frames. A frame that was sent in part counts as
// started.
Outbound::Status Outbound::enqueue_rest(std::span<const Slice> frames, std::size_t sent,
                                        const SendContext& context) {
  Status worst = Status::kQueued;
  for (const Slice& frame : frames) {
    if (sent >= frame.size) {
      sent -= frame.size;
      continue;
    }
    if (sent != 0) {
      queue_for(context).push_started(Slice(frame.block, frame.offset + sent, frame.size - sent),
                                      context.replay);
      sent = 0;
      continue;
    }
    const Status status = enqueue(frame, context);
    if (status == Status::kOverBound || status == Status::kNoMemory) return status;
    if (status == Status::kDropped) worst = status;
  }
  return worst;
}

// Sends a control frame at once if nothing is queued. Returns std::nullopt if the frame must wait
// in the control lane. Among the data it could be dropped, or overtaken by a later control frame.
std::optional<Outbound::Status> Outbound::send_now(Bytes control, const SendContext& context) {
  if (queue_ != nullptr) return std::nullopt;
  if (context.cork.holds_for(*this)) {
    if (control.size() > context.cork.room()) {
      const Status status = uncork(context);
      if (status != Status::kSent && status != Status::kQueued) return status;
      if (queue_ != nullptr) return std::nullopt;
    }
    return send_raw(control, context);
  }
  if (!writable_) return std::nullopt;
  const IoResult result = send_bytes(fd_, control);
  if (!account(result, context.cork)) return Status::kGone;
  if (result.bytes == 0) return std::nullopt;
  return keep_rest(control, {}, result.bytes, context);
}

Outbound::Status Outbound::send_control(const protocol::ControlFrame& frame,
                                        const SendContext& context) {
  if (const auto status = send_now(frame.bytes(), context)) return *status;
  queue_for(context).push_control(frame);
  return Status::kQueued;
}

Outbound::Status Outbound::send_pong(const protocol::ControlFrame& frame,
                                     const SendContext& context) {
  if (const auto status = send_now(frame.bytes(), context)) return *status;
  queue_for(context).set_pong(frame);
  return Status::kQueued;
}

Outbound::Status Outbound::send_close(const protocol::ControlFrame& frame,
                                      SendQueue::ClosePlace place, const SendContext& context) {
  if (context.cork.holds_for(*this)) {
    const Status status = uncork(context);
    if (status == Status::kGone || status == Status::kNoMemory) return status;
  }
  // Goes through the queue even if it is empty, because the queue decides which data the Close
  // overtakes.
  SendQueue& queue = queue_for(context);
  const std::uint64_t before = queue.dropped();
  queue.push_close(frame, place);
  context.cork.tally.dropped += queue.dropped() - before;
  return flush(context);
}

Outbound::Status Outbound::uncork(const SendContext& context) {
  const Bytes bytes = context.cork.bytes();
  if (bytes.empty()) return Status::kSent;
  IoResult result;
  result.status = IoStatus::kAgain;
  if (writable_ && queue_ == nullptr) result = send_bytes(fd_, bytes);
  Status status = Status::kGone;
  if (account(result, context.cork)) {
    const Bytes rest = bytes.subspan(result.bytes);
    status = Status::kSent;
    if (!rest.empty()) {
      SharedBytes kept = SharedBytes::copy_of(rest);
      status = kept ? Status::kQueued : Status::kNoMemory;
      // The piece holds several frames, and part of the first may have been sent: never drop it.
      if (kept) queue_for(context).push_started(Slice(std::move(kept)));
    }
  }
  context.cork.clear();
  return status;
}

void Outbound::end_queue(std::size_t abandoned) noexcept {
  dropped_ = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(dropped() + abandoned, std::numeric_limits<std::uint32_t>::max()));
  queue_.reset();
}

void Outbound::abandon(Cork& cork, bool messages) noexcept {
  if (queue_ == nullptr) return;
  const std::size_t abandoned = messages ? queue_->messages() : 0;
  cork.tally.dropped += abandoned;
  end_queue(abandoned);
}

Outbound::Status Outbound::flush(const SendContext& context) {
  while (queue_ != nullptr && writable_) {
    std::array<iovec, kMaxPieces> pieces;
    const std::size_t count = queue_->gather(pieces);
    if (count != 0) {
      const IoResult result = send_pieces(fd_, std::span(pieces).first(count));
      if (!account(result, context.cork)) return Status::kGone;
      queue_->consume(result.bytes, context.now);
      if (result.status == IoStatus::kNoBuffers) return Status::kQueued;
    }
    if (queue_->empty()) end_queue();
  }
  return queue_ == nullptr ? Status::kSent : Status::kQueued;
}

}  // namespace wsd::net
