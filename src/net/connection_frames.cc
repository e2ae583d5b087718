// Messages and control frames, in both directions.
#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "net/connection.h"

namespace wsd::net {
namespace {

// The count of control frames begins here, less what a time without reading allows. So it is never
// negative. The limit, with such a time and without, is at most as large, so that 22 bits hold it.
constexpr std::uint32_t kFirstCount = 1U << 20;
constexpr std::uint32_t kCountMask = (1U << 22) - 1;

// Returns how many control frames a peer may send in `ticks`.
std::uint32_t control_frames_in(Tick ticks, std::uint32_t per_second) noexcept {
  const std::uint64_t frames =
      per_second * std::min(ticks, TokenBucket::kMostCredit) / ticks_for_ms(1000);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(frames, kFirstCount));
}

}  // namespace

// Receiving

void Connection::take_events(MutableBytes input) {
  for (;;) {
    const protocol::Event event = session_.next(input, settings().session);
    if (event.kind == protocol::Event::Kind::kNone) return;
    on_event(event);
  }
}

void Connection::on_event(const protocol::Event& event) {
  switch (event.kind) {
    case protocol::Event::Kind::kNone:
      break;
    case protocol::Event::Kind::kProxied:
      if (const auto source = session_.proxy_source()) set_client(source->text());
      break;
    case protocol::Event::Kind::kMessage:
      on_message(event.opcode, event.payload);
      break;
    case protocol::Event::Kind::kRequest:
      on_request(*event.request);
      break;
    case protocol::Event::Kind::kResponse:
      on_response(session_.response());
      break;
    case protocol::Event::Kind::kPing:
      on_ping(event.payload);
      break;
    case protocol::Event::Kind::kPong:
      on_pong(event.payload);
      break;
    case protocol::Event::Kind::kClose:
      on_close_frame(event);
      break;
    case protocol::Event::Kind::kViolation:
      on_violation(event.violation);
      break;
    case protocol::Event::Kind::kNoMemory:
      fail(CloseCause::kResourceFailure, close_code_for(CloseCause::kResourceFailure),
           "out of memory");
      break;
  }
}

void Connection::on_message(protocol::Opcode opcode, Bytes payload) {
  if (phase_ != Phase::kOpen) return;
  if (reactor_.rates != nullptr && !within_message_rate()) return;
  ++messages_in_;
  reactor_.application.on_message(*this, {static_cast<MessageType>(opcode), as_text(payload)});
}

MutableBytes Application::on_small_messages(Connection& connection, MutableBytes input) {
  for (protocol::SmallMessage small; connection.take_small(input, small);) {
    on_message(connection, {static_cast<MessageType>(small.opcode), as_text(small.payload)});
    if (!connection.open()) break;
  }
  return input;
}

void Connection::on_ping(Bytes payload) {
  if (!within_control_budget() || phase_ != Phase::kOpen) return;
  sent([&] {
    return out_.send_pong(session_.control_frame(protocol::Opcode::kPong, payload), context());
  });
}

// RFC 6455 §5.5.3: an unsolicited Pong gets no response.
void Connection::on_pong(Bytes payload) {
  if (!within_control_budget()) return;
  if (pinged_) {
    const auto age_ns = PingStamp::age_ns(payload, reactor_.now_ns, process_ping_key());
    if (age_ns) {
      pinged_ = false;
      round_trip_ = RoundTrip(*age_ns / 1000);
      reactor_.stats.round_trip.record(*age_ns);
      return;
    }
  }
  if (phase_ == Phase::kOpen) reactor_.application.on_pong(*this, as_text(payload));
}

// Budgets

// Begins a second in which the peer may also send the control frames of `unread` ticks, because
// they come at once after a time without reading.
void Connection::allow_control_frames(Tick unread) {
  const std::uint32_t extra =
      control_frames_in(unread, reactor_.settings.max_control_frames_per_second);
  control_second_ = second_of(reactor_.now) & kSecondMask;
  control_frames_ = (kFirstCount - extra) & kCountMask;
}

bool Connection::within_control_budget() {
  const std::uint32_t budget = reactor_.settings.max_control_frames_per_second;
  if (budget == 0) return true;
  if (control_second_ != second_of(reactor_.now)) allow_control_frames(0);
  // Frames that the peer has sent while the process was suspended come at once, too.
  const Tick suspended = reactor_.suspensions.recent(reactor_.now);
  if (control_frames_ < kFirstCount + control_frames_in(ticks_for_ms(1000) + suspended, budget)) {
    ++control_frames_;
    return true;
  }
  on_violation(protocol::Violation::kTooManyControlFrames);
  return false;
}

// Bytes of a request do not count: the request head has limits of its own.
bool Connection::within_byte_rate(std::size_t bytes) {
  if (phase_ != Phase::kOpen || reactor_.rates->take_bytes(id(), bytes, reactor_.now)) return true;
  fail(CloseCause::kRateLimit, close_code_for(CloseCause::kRateLimit), "too many bytes per second");
  return false;
}

bool Connection::within_message_rate() {
  if (reactor_.rates->take_message(id(), reactor_.now)) return true;
  fail(CloseCause::kRateLimit, close_code_for(CloseCause::kRateLimit),
       "too many messages per second");
  return false;
}

void Connection::account_input() {
  constexpr std::size_t kKib = 1024;
  const std::size_t held = (session_.held_bytes() + kKib - 1) / kKib * kKib;
  BudgetShare& share = reactor_.input;
  const std::uint32_t slot = hub::slot_of(id());
  const std::size_t counted = share.bytes_of(slot);
  if (held == counted) return;
  holds_input_ = held != 0;
  share.set(slot, *this, held);
  share.count(share.counted() + held - counted);
  if (held > counted && share.exceeded()) relieve_input(reactor_);
}

// Frees an incomplete message, which can no longer be completed, before TCP ends.
void Connection::release_input() {
  session_.release();
  account_input();
}

void Connection::shed_input() {
  if (phase_ == Phase::kHttp && !session_.is_client()) reject(protocol::Violation::kInputBudget);
  fail(CloseCause::kInputBudget, close_code_for(CloseCause::kInputBudget),
       "server has no memory left for incomplete messages");
  release_input();
}

void Connection::relieve_input(ReactorContext& reactor) {
  for (;;) {
    const BudgetShare::Remedy remedy = reactor.input.remedy();
    if (remedy.reactor) reactor.shard.wake(*remedy.reactor);
    if (remedy.holder == nullptr) return;
    remedy.holder->shed_input();
    WSD_ASSERT(!remedy.holder->holds_input_);
  }
}

// Must be called when the queue may have grown. After other changes, shed_output() makes up for it.
void Connection::account_output() {
  reactor_.output.count(reactor_.cork.tally.memory);
  reactor_.output.set(hub::slot_of(id()), *this, out_.memory());
}

// A Close frame would have to wait behind the frame that is partly sent, so TCP is reset.
void Connection::shed_output() {
  const std::size_t counted = reactor_.output.bytes_of(hub::slot_of(id()));
  account_output();
  if (out_.memory() < counted) return;  // another connection may be the largest
  const std::size_t discarded = out_.queued_bytes();
  reset(CloseCause::kOutputBudget);
  acknowledged_ = static_cast<std::uint32_t>(
      std::min<std::size_t>(discarded, std::numeric_limits<std::uint32_t>::max()));
  out_.abandon(reactor_.cork, opened_);
  account_output();
}

void Connection::relieve_output(ReactorContext& reactor) {
  for (;;) {
    const BudgetShare::Remedy remedy = reactor.output.remedy();
    if (remedy.reactor) reactor.shard.wake(*remedy.reactor);
    if (remedy.holder == nullptr) return;
    remedy.holder->shed_output();
  }
}

// Sending

SendContext Connection::context(const hub::SlowPolicyFor* rule) const noexcept {
  // Responses to the input of this read step are queued even beyond the limit. The connection is
  // not read again until the queue drains. The grant limits a handler that sends much more than
  // it receives. Messages of a room, which have a rule, are no responses.
  const bool responds = reactor_.reading == this && rule == nullptr;
  const std::size_t grant = responds ? reactor_.settings.read_buffer_size : 0;
  return {reactor_.cork, settings().send_queue, reactor_.now, grant, reactor_.replaying, rule};
}

// Acts on the status of a send, which may end the connection.
Outbound::Status Connection::after_send(Outbound::Status status) {
  switch (status) {
    case Outbound::Status::kSent:
      break;
    case Outbound::Status::kQueued:
    case Outbound::Status::kDropped:
      account_output();
      if (reactor_.output.exceeded()) relieve_output(reactor_);
      if (phase_ == Phase::kClosed) return Outbound::Status::kGone;
      // Responses to a peer's own input must not pile up, so reading pauses. Messages that others
      // publish are subject to the slow policy instead, and Pings are still read.
      if (reactor_.reading == this && out_.high(settings().send_queue) &&
          (phase_ == Phase::kHttp || phase_ == Phase::kOpen)) {
        pause_reading(ReadState::kPaused);
      }
      if (out_.writable()) {
        mark_dirty();
      } else {
        arm();
      }
      break;
    case Outbound::Status::kOverBound:
      fail(CloseCause::kSlowConsumer, close_code_for(CloseCause::kSlowConsumer), "send queue full");
      break;
    case Outbound::Status::kGone:
      reset(CloseCause::kReset);
      break;
    case Outbound::Status::kNoMemory:
      reset(CloseCause::kResourceFailure);
      break;
  }
  return status;
}

SendResult Connection::send(MessageType type, Bytes payload) {
  if (phase_ != Phase::kOpen) return SendResult::kClosed;
  if (payload.size() > reactor_.settings.session.message.max_message_bytes)
    return SendResult::kTooBig;
  ++messages_out_;
  const auto opcode = static_cast<protocol::Opcode>(type);
  // During a read step, read_step() adds to the tally.
  const bool alone = reactor_.reading != this;
  if (alone) ++reactor_.tally.messages_sent;
  switch (sent([&] { return send_payload(opcode, payload); })) {
    case Outbound::Status::kSent:
    case Outbound::Status::kQueued:
      return SendResult::kSent;
    case Outbound::Status::kDropped:
      return SendResult::kDropped;
    default:
      --messages_out_;
      if (alone) --reactor_.tally.messages_sent;
      return SendResult::kClosed;
  }
}

void Connection::deliver(const hub::Batch& batch) {
  if (phase_ != Phase::kOpen) {
    reactor_.tally.not_deliveries += batch.frames().size();
    return;
  }
  if (reactor_.reading == this) reactor_.tally.not_deliveries += batch.frames().size();
  if (!shares_batches()) {
    for (const Slice& frame : batch.frames()) deliver_bytes(frame.bytes(), &batch.slow_rule());
    return;
  }
  messages_out_ += batch.frames().size();
  sent([&] { return out_.send_batch(batch, context(&batch.slow_rule())); });
}

void Connection::deliver_without(const hub::Batch& batch,
                                 std::span<const hub::Exclusion> left_out) {
  try {
    deliver(batch.without(left_out));
  } catch (const std::bad_alloc&) {
    reactor_.tally.not_deliveries += batch.frames().size() - left_out.size();
    fail_out_of_memory();
  }
}

void Connection::deliver(const SharedBytes& frame) {
  if (phase_ != Phase::kOpen) return;
  if (reactor_.reading != this) ++reactor_.tally.messages_sent;
  if (!shares_frames()) {
    deliver_bytes(frame.bytes());
    return;
  }
  ++messages_out_;
  sent([&] { return out_.send_frame(frame, context()); });
}

// A replay may exceed the limit of the send queue, because the client asked for it.
void Connection::replay(const hub::Batch& batch) {
  reactor_.replaying = true;
  deliver(batch);
  reactor_.replaying = false;
}

// Sends one uncompressed frame of a server, compressed or masked for this connection.
void Connection::deliver_bytes(Bytes frame, const hub::SlowPolicyFor* rule) {
  if (phase_ != Phase::kOpen) {  // the previous frame has ended the connection
    if (reactor_.reading != this) ++reactor_.tally.not_deliveries;
    return;
  }
  const protocol::FrameContent content = protocol::frame_content(frame);
  ++messages_out_;
  sent([&] { return send_payload(content.opcode, content.payload, rule); });
}

void Connection::join_refused(std::string_view room, JoinRefusal why) {
  if (phase_ != Phase::kOpen) return;
  try {
    reactor_.application.on_join_refused(*this, room, why);
  } catch (const std::bad_alloc&) {
    fail_out_of_memory();
  }
}

// Compression

void Connection::enable_compression(const protocol::DeflateParameters& terms) {
  session_.upgrade(terms, reactor_.deflate_pool);
  reactor_.counters.context_bytes.fetch_add(protocol::context_bytes(terms),
                                            std::memory_order_relaxed);
  // Without context takeover every message is compressed by itself, so members share the encoder's
  // output. Frames of a client have a mask each.
  if (!session_.is_client() && terms.server_no_context_takeover)
    set_encoding(terms.server_max_window_bits);
}

// Returns whether an uncompressed frame of a server can be sent as it is.
bool Connection::shares_frames() const noexcept {
  return session_.at_rest() || (session_.compression() == nullptr && !session_.is_client());
}

// Returns whether the frames of a batch, which are compressed as set_encoding() says, can be sent
// as they are. With context takeover, a compressed message depends on those before it.
bool Connection::shares_batches() const noexcept {
  if (session_.at_rest()) return true;
  const protocol::Compression* const compression = session_.compression();
  return !session_.is_client() &&
         (compression == nullptr || compression->terms().server_no_context_takeover);
}

Outbound::Status Connection::send_payload(protocol::Opcode opcode, Bytes payload,
                                          const hub::SlowPolicyFor* rule) {
  if (session_.is_client()) return send_masked(opcode, payload, rule);
  protocol::Compression* const compression = session_.compression();
  if (compression == nullptr || payload.size() < reactor_.settings.deflate_threshold) {
    return out_.send_message(opcode, payload, false, context(rule));
  }
  const Bytes deflated = compression->deflate(payload);
  const bool compressed = !deflated.empty();
  const Outbound::Status status =
      out_.send_message(opcode, compressed ? deflated : payload, compressed, context(rule));
  if (status == Outbound::Status::kDropped) compression->forget_sent();
  return status;
}

}  // namespace wsd::net
