#include "net/connection.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "net/clock.h"
#include "net/socket.h"
#include "protocol/http_date.h"
#include "protocol/http_response.h"

namespace wsd::net {

constinit thread_local CurrentConnection current_connection;

Connection::Connection(ReactorContext& reactor, int fd, PeerInfo peer_info)
    : reactor_(reactor),
      peer_info_(std::move(peer_info)),
      session_(reactor.settings.session),
      out_(fd),
      heartbeat_(reactor.now),
      accepted_(reactor.now),
      phase_since_(reactor.now) {
  reactor_.lists.make_room(reactor_.shard.member_count() + 1);
  reactor_.shard.add(*this);
  reactor_.counters.connections.fetch_add(1, std::memory_order_relaxed);
  reactor_.stats.accepted.add(1);
  state_counter().add(1);
  arm();
}

Connection::~Connection() {
  reactor_.shard.remove(*this);
  if (read_state_.listed()) WorkLists::remove(reactor_.lists.ready, this);
  if (listed_dirty_) WorkLists::remove(reactor_.lists.dirty, this);
  if (listed_ended_) WorkLists::remove(reactor_.lists.ended, this);
  if (read_state_.has(ReadState::kPublishBlocked)) WorkLists::remove(reactor_.lists.paused, this);
  WSD_DCHECK(held_input_kib_ == 0);  // given back at the safe point
  if (const protocol::Compression* const compression = session_.compression()) {
    reactor_.counters.context_bytes.fetch_sub(protocol::context_bytes(compression->terms()),
                                              std::memory_order_relaxed);
  }
  close_socket(out_.fd());
  data_.reset();
  state_counter().subtract(1);
  // Last, with release: who sees the count go down sees that the connection has left nothing.
  reactor_.counters.connections.fetch_sub(1, std::memory_order_release);
}

SendContext Connection::context(const hub::SlowPolicyFor* rule) const noexcept {
  // What it has asked for in this read step it gets, though its queue is at the bound: it is left
  // unread from there on. A handler that answers with more than was asked is still bounded.
  const std::size_t grant = reactor_.reading == this ? reactor_.settings.read_buffer_size : 0;
  return {reactor_.cork, reactor_.settings.send_queue, reactor_.now,
          grant,         reactor_.replaying,           rule};
}

// Lists

void Connection::mark_dirty() {
  if (listed_dirty_) return;
  listed_dirty_ = true;
  WorkLists::list(reactor_.lists.dirty, *this);
}

void Connection::mark_ended() {
  if (listed_ended_) return;
  listed_ended_ = true;
  WorkLists::list(reactor_.lists.ended, *this);
}

// The turn's steps

// Small messages, and whatever comes from the first other frame on. What a handler can do to the
// session in between is to end it, which ends the phase too.
[[gnu::always_inline]] inline void Connection::take(MutableBytes input) {
  if (reactor_.fast_path && session_.fast_path_ready()) {
    const bool limited = reactor_.rates != nullptr;
    protocol::SmallMessage small;
    while (session_.next_small(input, small)) {
      if (limited && !within_message_rate()) break;
      deliver_to_application(small.opcode, small.payload);
      if (phase_ != Phase::kOpen) break;
    }
  }
  if (!input.empty() || !session_.at_rest()) take_events(input);
}

// Inline with what it calls: a small message is most of what there is, and three functions'
// registers to be saved for it would be a tenth of its cost.
[[gnu::always_inline]] inline void Connection::read() {
  if (!session_.at_rest() && !take_pipelined()) return;
  std::size_t budget = reactor_.read_share;
  do {
    const MutableBytes direct = session_.at_rest() ? MutableBytes() : session_.direct_buffer();
    const MutableBytes room = direct.empty() ? reactor_.read_span() : direct;
    const MutableBytes into = room.first(std::min(room.size(), budget));
    const IoResult result = receive(out_.fd(), into);
    if (result.status != IoStatus::kOk) {
      on_nothing_received(result.status);
      return;
    }
    bytes_in_ += result.bytes;
    reactor_.tally.bytes_in += result.bytes;
    note_received();
    if (reactor_.rates != nullptr && !within_byte_rate(result.bytes)) return;
    budget -= result.bytes;
    if (result.bytes < into.size()) read_state_.short_read();
    if (direct.empty()) {
      take(into.first(result.bytes));
    } else {
      session_.received_directly(result.bytes);
      take_events({});
    }
  } while (budget != 0 && wants_read() && !has_to_wait());
}

void Connection::read_step() {
  read_state_.set_listed(false);
  retry_read_ = false;
  if (!wants_read()) return;
  if (has_to_wait()) {
    mark_ready();
    return;
  }
  const std::uint64_t messages_before = messages_in_;
  const std::uint64_t sent_before = messages_out_;
  bool closed = false;
  {
    const CurrentRead current(
        reactor_, {&reactor_.application, id(), this}, out_,
        phase_ == Phase::kOpen && session_.at_rest() && out_.idle() && reactor_.fast_path);
    try {
      read();
    } catch (const std::bad_alloc&) {
      fail_out_of_memory();
    }
    reactor_.tally.messages_in += messages_in_ - messages_before;
    reactor_.tally.messages_sent += messages_out_ - sent_before;
    if (phase_ != Phase::kClosed && !out_.uncork_whole(reactor_.cork)) {
      sent([&] { return out_.uncork(context()); });
    }
    closed = phase_ == Phase::kClosed;
    if (closed) reactor_.cork.clear();
  }
  if (closed) return;
  if (shut_when_flushed_) try_shutdown();
  if (!session_.at_rest() || unfinished_ || held_input_kib_ != 0) {
    note_unfinished(messages_in_ != messages_before);
    account_input();
  }
  if (retry_read_) {
    arm();
  } else if (wants_read()) {
    mark_ready();
  }
}

// When the message that is under way has begun. `others`: whole ones have come in this read step.
void Connection::note_unfinished(bool others) {
  const bool unfinished = phase_ == Phase::kOpen && session_.unfinished();
  if (unfinished && (!unfinished_ || others)) {
    message_since_ = reactor_.now;
    unfinished_ = true;
    arm();
  }
  unfinished_ = unfinished;
}

void Connection::on_nothing_received(IoStatus status) {
  if (status == IoStatus::kEof) {
    on_eof();
  } else if (status == IoStatus::kGone) {
    reset(CloseCause::kReset);
  } else {
    retry_read_ = status == IoStatus::kNoBuffers;
    if (!retry_read_) read_state_.on_drained();
  }
}

void Connection::flush_step() {
  listed_dirty_ = false;
  if (phase_ == Phase::kClosed) return;
  const Outbound::Status status = attempt([&] { return out_.flush(context()); });
  if (status == Outbound::Status::kGone || status == Outbound::Status::kNoMemory) {
    after_send(status);
    return;
  }
  if (read_state_.has(ReadState::kPaused) && out_.low(reactor_.settings.send_queue)) {
    read_state_.clear(ReadState::kPaused);
    exclude_paused_time();
    if (wants_read()) mark_ready();
  }
  try_shutdown();
  if (!out_.idle()) arm();
}

// Judges what became of something sent.
Outbound::Status Connection::after_send(Outbound::Status status) {
  switch (status) {
    case Outbound::Status::kSent:
      break;
    case Outbound::Status::kQueued:
    case Outbound::Status::kDropped:
      // What it asks for must not pile up; what others publish to it is the policy's business, and
      // no reason to be deaf to its Pings.
      if (reactor_.reading == this && out_.high(reactor_.settings.send_queue) &&
          (phase_ == Phase::kHttp || phase_ == Phase::kOpen)) {
        read_state_.set(ReadState::kPaused);
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

// Sending

SendResult Connection::send(MessageType type, Bytes payload) {
  if (phase_ != Phase::kOpen) return SendResult::kClosed;
  if (payload.size() > reactor_.settings.session.message.max_message_bytes)
    return SendResult::kTooBig;
  ++messages_out_;
  const auto opcode = static_cast<protocol::Opcode>(type);
  // In its own read step the step counts.
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
  if (own_compressor()) {
    for (const Slice& frame : batch.frames()) deliver_bytes(frame.bytes(), &batch.slow_rule());
    return;
  }
  messages_out_ += batch.frames().size();
  sent([&] { return out_.send_batch(batch, context(&batch.slow_rule())); });
}

// It has asked for all of that, whatever the bound of its queue.
void Connection::replay(const hub::Batch& batch) {
  reactor_.replaying = true;
  deliver(batch);
  reactor_.replaying = false;
}

void Connection::deliver(const SharedBytes& frame) {
  if (phase_ != Phase::kOpen) return;
  if (reactor_.reading != this) ++reactor_.tally.messages_sent;
  if (session_.compression() != nullptr) {
    deliver_bytes(frame.bytes());
    return;
  }
  ++messages_out_;
  sent([&] { return out_.send_frame(frame, context()); });
}

// One plain frame, for this connection's own compressor.
void Connection::deliver_bytes(Bytes frame, const hub::SlowPolicyFor* rule) {
  if (phase_ != Phase::kOpen) {  // the frame before this one has ended it
    if (reactor_.reading != this) ++reactor_.tally.not_deliveries;
    return;
  }
  const protocol::FrameContent content = protocol::frame_content(frame);
  ++messages_out_;
  sent([&] { return send_payload(content.opcode, content.payload, rule); });
}

// Ending

void Connection::enter(Phase phase) {
  state_counter().subtract(1);
  phase_ = phase;
  state_counter().add(1);
  if (reactor_.reading == this) reactor_.cork.disable_fast_path();
  phase_since_ = reactor_.now;
  draining_ = false;
  if (phase != Phase::kHttp && phase != Phase::kOpen) mark_ended();
  if (phase == Phase::kClosed) {
    read_state_.set(ReadState::kClosed);
    session_.finish();
    reactor_.shard.wheel().cancel(*this);
    return;
  }
  if (phase == Phase::kClosing || phase == Phase::kLingering) {
    // What is read from now on is thrown away: no pressure to pass on.
    if (read_state_.has(ReadState::kPublishBlocked)) WorkLists::remove(reactor_.lists.paused, this);
    read_state_.clear(ReadState::kPaused);
    read_state_.clear(ReadState::kPublishBlocked);
    read_state_.clear(ReadState::kAwaitingResponse);
    if (wants_read()) mark_ready();
  }
  arm();
}

// The first reason stands: what follows a decision to close is its consequence.
void Connection::record_cause(CloseCause cause) {
  if (phase_ == Phase::kHttp || phase_ == Phase::kOpen) cause_ = cause;
  ended_ = true;
  mark_ended();
}

void Connection::close(CloseCause cause, CloseCode code, std::string_view reason) {
  if (phase_ != Phase::kOpen) return;
  if (!is_sendable_close_code(static_cast<std::uint16_t>(code))) code = CloseCode::kNormalClosure;
  cause_ = cause;
  code_sent_ = static_cast<std::uint16_t>(code);
  const auto frame = session_.start_close(code_sent_, reason);
  enter(Phase::kClosing);
  if (frame) sent([&] { return out_.send_close(*frame, context()); });
}

void Connection::join_refused(std::string_view room, JoinRefusal why) {
  if (phase_ != Phase::kOpen) return;
  try {
    reactor_.application.on_join_refused(*this, room, why);
  } catch (const std::bad_alloc&) {
    fail_out_of_memory();
  }
}

void Connection::fail(CloseCause cause, CloseCode code, std::string_view reason) {
  if (phase_ == Phase::kHttp) {
    close_after_flush(cause);
    return;
  }
  const bool open = phase_ == Phase::kOpen;
  if (!open && phase_ != Phase::kClosing) return;
  if (open) close(cause, code, reason);
  if (phase_ != Phase::kClosing) return;
  close_after_flush(cause);
}

// No more input counts; TCP ends when all output has left.
void Connection::close_after_flush(CloseCause cause) {
  record_cause(cause);
  session_.finish();
  shut_when_flushed_ = true;
  if (phase_ != Phase::kClosing) enter(Phase::kClosing);
  try_shutdown();
}

void Connection::try_shutdown() {
  if (!shut_when_flushed_ || phase_ != Phase::kClosing || !out_.idle()) return;
  if (reactor_.cork.holds_for(out_)) return;  // the end of the read step asks again
  shutdown_write(out_.fd());
  enter(eof_ ? Phase::kClosed : Phase::kLingering);
}

void Connection::reset(CloseCause cause) {
  if (phase_ == Phase::kClosed) return;
  record_cause(cause);
  reset_on_close(out_.fd());
  enter(Phase::kClosed);
}

// While something was done for this connection; what it has sent so far is whole.
void Connection::fail_out_of_memory() {
  fail(CloseCause::kResourceFailure, close_code_for(CloseCause::kResourceFailure), "out of memory");
}

void Connection::reject(protocol::Violation violation) {
  std::string response;
  const protocol::HttpDate date(wall_clock_ms() / 1000);
  protocol::write_violation(response, violation, "GET", false, date.text());
  violation_ = violation;
  respond_and_close(protocol::http_status_of(violation), response,
                    protocol::close_cause_of(violation));
}

void Connection::reject_overload() {
  reject_unavailable(CloseCause::kOverload, "the server is at its connection limit, try again");
}

void Connection::reject_draining() {
  reject_unavailable(CloseCause::kDrain, "the server is shutting down, try again");
}

void Connection::reject_unavailable(CloseCause cause, std::string_view why) {
  protocol::HttpResponseHead head;
  head.status = 503;
  head.keep_alive = false;
  std::string response;
  try {
    protocol::write_response(response, head, protocol::error_body(why), {{"Retry-After", "1"}});
  } catch (const std::bad_alloc&) {
    close_after_flush(cause);
    return;
  }
  respond_and_close(head.status, response, cause);
}

void Connection::respond_and_close(int status, std::string_view response, CloseCause cause) {
  http_status_ = static_cast<std::uint16_t>(status);
  sent([&] { return out_.send_raw(as_bytes(response), context()); });
  close_after_flush(cause);
}

void Connection::drain_at(Tick tick) {
  if (phase_ == Phase::kHttp && !session_.unfinished()) {
    // Of one that has asked for nothing yet the request is on its way; one that was answered is
    // idle.
    if (http_status_ == 0) {
      reject_draining();
    } else {
      close_after_flush(CloseCause::kDrain);
    }
  } else if (phase_ == Phase::kHttp) {
    draining_ = true;  // whatever its answer promises, that is the last one
  } else if (phase_ == Phase::kOpen) {
    draining_ = true;
    phase_since_ = tick;
    arm();
  }
}

void Connection::force_close() {
  if (phase_ != Phase::kLingering && phase_ != Phase::kClosed) {
    reactor_.counters.forced_closes.fetch_add(1, std::memory_order_relaxed);
  }
  reset(CloseCause::kServerStopped);
}

void Connection::pause() {
  if (read_state_.has(ReadState::kPublishBlocked)) return;
  read_state_.set(ReadState::kPublishBlocked);
  WorkLists::list(reactor_.lists.paused, *this);
}

void Connection::resume() {
  read_state_.clear(ReadState::kPublishBlocked);
  exclude_paused_time();
  if (wants_read()) mark_ready();
}

bool Connection::finalize() {
  listed_ended_ = false;
  if (!session_.reading()) release_input();
  try {
    if (phase_ != Phase::kOpen && !memberships().empty()) reactor_.shard.leave_all(*this);
  } catch (const std::bad_alloc&) {
    retry_leave_ = true;
    arm();
    return false;
  }
  if (ended_ && !reported_) notify_closed();
  return phase_ == Phase::kClosed;
}

void Connection::notify_closed() {
  reported_ = true;
  CloseInfo info;
  info.cause = cause_;
  if (code_sent_ != 0) info.sent = static_cast<CloseCode>(code_sent_);
  if (session_.close_received()) {
    info.received =
        code_received_ == 0 ? CloseCode::kNoStatus : static_cast<CloseCode>(code_received_);
  }
  info.reason = peer_info_.close_reason();
  info.clean = session_.close_sent() && session_.close_received();
  reactor_.stats.ended[static_cast<std::size_t>(cause_)].add(1);
  const bool refused = cause_ == CloseCause::kHandshakeRejected ||
                       cause_ == CloseCause::kHandshakeTimeout || cause_ == CloseCause::kOverload;
  if (refused && http_status_ >= 400) reactor_.stats.count_refusal(http_status_);
  if (opened_) reactor_.application.on_close(*this, info);
  EndRecord record;
  record.id = id();
  record.peer_info = &peer_info_;
  record.close = info;
  record.granted = granted_;
  record.opened = opened_;
  record.http_status = http_status_;
  record.violation = violation_;
  record.duration_ms = age_ms();
  record.bytes_in = bytes_in_;
  record.bytes_out = out_.bytes_sent();
  record.messages_in = messages_in_;
  record.messages_dropped = out_.dropped();
  record.messages_out = messages_out_ - std::min(messages_out_, record.messages_dropped);
  reactor_.application.on_end(record);
}

}  // namespace wsd::net
