// Every way in which a connection ends.
#include <algorithm>

#include "net/connection.h"
#include "net/socket.h"

namespace wsd::net {
namespace {

// Returns whether a reset for that cause follows one by the peer, so that nothing was given up.
bool is_peer_end(CloseCause cause) noexcept {
  return cause == CloseCause::kReset || cause == CloseCause::kHttpDone ||
         cause == CloseCause::kProbe;
}

}  // namespace

void Connection::enter(Phase phase) {
  state_counter().subtract(1);
  if (phase_ == Phase::kOpen) close_codes_ = {};
  phase_ = phase;
  state_counter().add(1);
  if (reactor_.reading == this) reactor_.cork.disable_fast_path();
  phase_since_ = reactor_.now;
  draining_ = false;
  if (phase != Phase::kHttp && phase != Phase::kOpen) {
    mark_ended();
    static_cast<void>(take_accepted_upgrade());  // no verdict has an effect any more
  }
  if (phase == Phase::kClosed) {
    acknowledged_ = 0;
    read_state_.set(ReadState::kClosed);
    session_.finish();
    reactor_.shard.wheel().cancel(*this);
    return;
  }
  if (phase == Phase::kClosing || phase == Phase::kLingering) {
    pending_since_ = reactor_.now;
    if (phase == Phase::kClosing) acknowledged_ = out_.acknowledged(out_.unacknowledged());
    // Input is discarded from now on, so no reason to pause reading applies.
    if (read_state_.has(ReadState::kPublishBlocked)) WorkLists::remove(reactor_.lists.paused, this);
    read_state_.clear(ReadState::kPaused);
    read_state_.clear(ReadState::kPausedByApplication);
    read_state_.clear(ReadState::kPublishBlocked);
    read_state_.clear(ReadState::kAwaitingResponse);
    if (wants_read()) mark_ready();
  }
  arm();
}

// The first cause counts: whatever follows a decision to close is a consequence of it.
void Connection::record_cause(CloseCause cause) {
  if (phase_ == Phase::kHttp || phase_ == Phase::kOpen) cause_ = cause;
  ended_ = true;
  mark_ended();
}

// The peer ends it

// Returns the cause of an end by the peer, which is `how` unless nothing was in progress.
CloseCause Connection::cause_of_peer_end(CloseCause how) const noexcept {
  if (phase_ != Phase::kHttp || session_.unfinished()) return how;
  if (http_status_ != 0) return CloseCause::kHttpDone;
  // A health check may send a PROXY protocol header and nothing else.
  return bytes_in_ == 0 || !session_.awaits_proxy_header() ? CloseCause::kProbe : how;
}

// The kernel has ended TCP, so there is nothing left to reset.
void Connection::on_gone() {
  if (phase_ == Phase::kClosed) return;
  record_cause(cause_of_peer_end(CloseCause::kReset));
  given_up_ = false;
  enter(Phase::kClosed);
}

void Connection::on_close_frame(const protocol::Event& event) {
  if (!event.payload.empty()) peer_info_.set_close_reason(as_text(event.payload));
  if (phase_ == Phase::kOpen) {
    // §5.5.1: our Close echoes the status code, or has none if the peer's has none. It echoes the
    // reason too, as browsers expect. The responses to earlier requests go first.
    const auto echo = session_.start_close(event.close_code, as_text(event.payload));
    cause_ = CloseCause::kPeerClosed;
    enter(Phase::kClosing);
    close_codes_.sent = event.close_code;
    if (echo) {
      sent([&] { return out_.send_close(*echo, SendQueue::ClosePlace::kLast, context()); });
    }
    account_output();
  }
  close_codes_.received = event.close_code;
  if (phase_ != Phase::kClosing) return;
  // §7.1.1: with both Close frames exchanged the server ends TCP first. A client waits for that, at
  // most for the close timeout.
  if (session_.is_client()) {
    record_cause(cause_);
  } else {
    close_after_flush(cause_);
  }
}

void Connection::on_violation(protocol::Violation violation) {
  if (phase_ == Phase::kHttp && session_.is_client()) {
    violation_ = violation;
    close_after_flush(CloseCause::kProtocolError);
    return;
  }
  if (phase_ == Phase::kHttp && !protocol::is_of_proxy_header(violation)) {
    reject(violation);
    return;
  }
  violation_ = violation;
  if (phase_ == Phase::kHttp) {
    close_after_flush(protocol::close_cause_of(violation));
    return;
  }
  fail(protocol::close_cause_of(violation), protocol::close_code_of(violation),
       protocol::violation_text(violation));
}

void Connection::on_eof() {
  eof_ = true;
  read_state_.on_drained();
  switch (phase_) {
    case Phase::kHttp:
      close_after_flush(cause_of_peer_end(CloseCause::kEof));
      break;
    case Phase::kOpen:
    case Phase::kClosing:
      close_after_flush(CloseCause::kEof);
      break;
    case Phase::kLingering:
      enter(Phase::kClosed);
      break;
    case Phase::kClosed:
      break;
  }
}

// The server ends it

void Connection::close(CloseCause cause, CloseCode code, std::string_view reason) {
  if (phase_ == Phase::kOpen) start_close(cause, code, reason, SendQueue::ClosePlace::kLast);
}

void Connection::start_close(CloseCause cause, CloseCode code, std::string_view reason,
                             SendQueue::ClosePlace place) {
  if (!is_sendable_close_code(static_cast<std::uint16_t>(code))) code = CloseCode::kNormalClosure;
  cause_ = cause;
  const auto frame = session_.start_close(static_cast<std::uint16_t>(code), reason);
  enter(Phase::kClosing);
  close_codes_.sent = static_cast<std::uint16_t>(code);
  if (frame) sent([&] { return out_.send_close(*frame, place, context()); });
  account_output();  // the Close may have replaced the queue
}

void Connection::fail(CloseCause cause, CloseCode code, std::string_view reason) {
  if (phase_ == Phase::kHttp) {
    close_after_flush(cause);
    return;
  }
  const bool open = phase_ == Phase::kOpen;
  if (!open && phase_ != Phase::kClosing) return;
  if (open) {
    failed_ = true;
    start_close(cause, code, reason, SendQueue::ClosePlace::kOvertakes);
  }
  if (phase_ != Phase::kClosing) return;
  close_after_flush(cause);
}

// For memory that ran out before anything of a frame was sent: the stream is intact, so a Close
// can still be sent.
void Connection::fail_out_of_memory() {
  fail(CloseCause::kResourceFailure, close_code_for(CloseCause::kResourceFailure), "out of memory");
}

// Ignores all further input, and ends TCP when all output has been sent.
void Connection::close_after_flush(CloseCause cause) {
  record_cause(cause);
  session_.finish();
  shut_when_flushed_ = true;
  if (phase_ != Phase::kClosing) enter(Phase::kClosing);
  try_shutdown();
}

void Connection::try_shutdown() {
  if (!shut_when_flushed_ || phase_ != Phase::kClosing || !out_.idle()) return;
  if (reactor_.cork.holds_for(out_)) return;  // the end of the read step tries again
  out_.shut();
  enter(eof_ ? Phase::kClosed : Phase::kLingering);
}

void Connection::reset(CloseCause cause) {
  if (phase_ == Phase::kClosed) return;
  record_cause(cause);
  given_up_ = !is_peer_end(cause);
  reset_on_close(out_.fd());
  enter(Phase::kClosed);
}

void Connection::drain_at(Tick tick) {
  const ConnectionExtras* const extras = find_extras();
  // The verdict is due, or has come in this turn.
  const bool awaited = extras != nullptr && extras->upgrade != nullptr;
  if (phase_ == Phase::kHttp && session_.is_client()) {
    reset(CloseCause::kDrain);  // its handshake is not complete
  } else if (awaited || (phase_ == Phase::kHttp && !session_.unfinished() && http_status_ == 0)) {
    reject_draining();  // in the second case, it has probably a request on its way
  } else if (phase_ == Phase::kHttp) {
    draining_ = true;
    // The client of an idle connection was told that another request may follow, and it may be on
    // its way. The response to that request, or to one that has begun, is the last one.
    if (between_requests()) phase_since_ = reactor_.now;
    arm();
  } else if (phase_ == Phase::kOpen) {
    draining_ = true;
    phase_since_ = tick;
    arm();
  }
}

void Connection::force_close() {
  if (phase_ == Phase::kClosed) return;
  const bool lingering = phase_ == Phase::kLingering;
  given_up_ = !lingering || out_.unacknowledged() != 0;
  if (given_up_) reactor_.counters.forced_closes.fetch_add(1, std::memory_order_relaxed);
  if (lingering) {
    enter(Phase::kClosed);  // without a reset: the kernel has everything, and may still deliver it
  } else {
    reset(CloseCause::kServerStopped);
  }
}

// Without a reset, so that the kernel still delivers a response that it has taken.
void Connection::make_way() {
  record_cause(CloseCause::kOverload);
  enter(Phase::kClosed);
}

// The safe point

bool Connection::finalize() {
  listed_ended_ = false;
  if (!session_.reading()) release_input();
  try {
    if (phase_ != Phase::kOpen && (!memberships().empty() || memberships().is_leaving())) {
      reactor_.shard.leave_all(*this);
    }
  } catch (const std::bad_alloc&) {
    retry_leave_ = true;
    arm();
    return false;
  }
  if (ended_ && !reported_ && end_is_certain()) notify_closed();
  if (phase_ != Phase::kClosed) return false;
  out_.abandon(reactor_.cork, opened_);
  return true;
}

// Returns whether the report of the end would stay true. A connection that has not failed reports
// when its output has left, and a clean close when the peer has ended TCP or has everything.
bool Connection::end_is_certain() const noexcept {
  if (phase_ == Phase::kClosed || failed_) return true;
  const bool handshake_done = session_.close_sent() && session_.close_received();
  return phase_ == Phase::kLingering && (!handshake_done || out_.unacknowledged() == 0);
}

void Connection::notify_closed() {
  reported_ = true;
  end_extras();
  const std::size_t discarded = phase_ == Phase::kClosed ? acknowledged_ : 0;
  const bool unsent = phase_ == Phase::kClosed && (!out_.idle() || discarded != 0);
  std::size_t undelivered = 0;
  if (phase_ == Phase::kClosed && (unsent || given_up_ || cause_ == CloseCause::kReset)) {
    undelivered = discarded + out_.queued_bytes() + out_.unacknowledged();
    out_.abandon(reactor_.cork, opened_);
  }
  CloseInfo info;
  info.cause = cause_;
  if (session_.close_sent() && close_codes_.sent != 0 && !unsent) {
    info.sent = static_cast<CloseCode>(close_codes_.sent);
  }
  if (session_.close_received()) {
    info.received = close_codes_.received == 0 ? CloseCode::kNoStatus
                                               : static_cast<CloseCode>(close_codes_.received);
  }
  if (session_.close_received()) info.reason = peer_info_.close_reason();
  info.clean = session_.close_sent() && session_.close_received() && !unsent &&
               !(given_up_ && undelivered != 0);
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
  record.bytes_undelivered = undelivered;
  record.messages_in = messages_in_;
  record.messages_dropped = out_.dropped();
  record.messages_out = messages_out_ - std::min(messages_out_, record.messages_dropped);
  reactor_.application.on_end(record);
}

}  // namespace wsd::net
