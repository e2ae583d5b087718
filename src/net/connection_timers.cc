// The deadlines of a connection.
#include <algorithm>
#include <new>

#include "net/connection.h"
#include "net/socket.h"

namespace wsd::net {
namespace {

// The time to wait for the peer's FIN after ours, so that a reset does not destroy our last bytes
// (RFC 9112 §9.6).
constexpr Tick kLingerTicks = ticks_for_ms(1000);

// The time for which a draining server keeps an idle connection whose last response has promised
// to. The next request is probably on its way if it comes at all (RFC 9112 §9.3, §9.6).
constexpr Tick kIdleDrainTicks = ticks_for_ms(1000);

// Returns whether the cause means that the peer is gone or does not read. Such a connection ends
// with a reset.
bool deserves_reset(CloseCause cause) noexcept {
  return cause == CloseCause::kPongTimeout || cause == CloseCause::kReadTimeout ||
         cause == CloseCause::kWriteTimeout || cause == CloseCause::kSlowConsumer;
}

}  // namespace

// Returns the time from phase_since_ to the deadline of a request head, a body, a deferred response
// or the next request.
Tick Connection::request_timeout() const noexcept {
  if (awaits_verdict()) return reactor_.settings.handshake_timeout;
  if (read_state_.has(ReadState::kAwaitingResponse)) return reactor_.settings.response_timeout;
  if (session_.in_body()) return reactor_.settings.message_timeout;
  if (!between_requests()) return reactor_.settings.handshake_timeout;
  // Half of the drain's time at most, so that the end is not a forced one.
  if (draining_) return std::min(kIdleDrainTicks, reactor_.settings.drain_timeout / 2);
  return reactor_.settings.keep_alive_timeout;
}

Tick Connection::due() const {
  const ReactorSettings& settings = reactor_.settings;
  Tick due = hub::TimerWheel::kNever;
  const auto consider = [&](ShortTick since, Tick timeout) {
    if (timeout != 0) due = std::min(due, since.near(reactor_.now) + timeout);
  };
  switch (phase_) {
    case Phase::kHttp:
      consider(phase_since_, request_timeout());
      break;
    case Phase::kOpen:
      due = next_sign_of_life();
      if (unfinished_ && !read_state_.paused()) {
        consider(pending_since_, settings.message_timeout);
      }
      if (!out_.idle()) {
        const Tick timeout = settings.write_timeout;
        consider(out_.queue()->last_progress(),
                 out_.queue()->looked() ? timeout : (timeout + 1) / 2);
      }
      if (draining_) due = std::min(due, phase_since_.near(reactor_.now));
      break;
    case Phase::kClosing:
      consider(pending_since_, std::max<Tick>(settings.close_timeout, 1));
      break;
    case Phase::kLingering:
      consider(phase_since_, kLingerTicks);
      break;
    case Phase::kClosed:
      break;
  }
  // The kernel was out of memory: the descriptor is ready, but no readiness event will come.
  if (retry_read_ || (!out_.idle() && out_.writable())) due = std::min(due, reactor_.now + 1);
  if (retry_leave_) due = std::min(due, reactor_.now + 1);
  return due;
}

Tick Connection::next_sign_of_life() const {
  const hub::HeartbeatTicks& ticks = settings().heartbeat;
  return heartbeat_.next_deadline(ticks, hub::ping_jitter(id(), ticks.ping_interval), reactor_.now);
}

// A timer that is armed for an earlier tick stays, because on_deadline() arms it again.
void Connection::arm() {
  const Tick tick = due();
  if (tick == hub::TimerWheel::kNever) return;
  if (!armed() || tick < deadline()) reactor_.shard.wheel().arm(*this, tick);
}

// Restarts the deadlines that depend on the peer. While reading is paused, or waits for a share of
// work, the peer can neither prove that it is alive nor complete a message.
void Connection::exclude_paused_time() {
  note_received();
  if (!read_state_.paused()) pending_since_ = reactor_.now;
}

void Connection::on_deadline(Tick now) {
  if (retry_leave_) {
    retry_leave_ = false;
    mark_ended();
  }
  try {
    expire(now);
  } catch (const std::bad_alloc&) {
    fail_out_of_memory();
  }
  if (phase_ == Phase::kClosed) return;
  if (!out_.idle() && out_.writable()) mark_dirty();
  if (retry_read_) {
    retry_read_ = false;
    if (wants_read()) mark_ready();
  }
  arm();
}

void Connection::expire(Tick now) {
  const ReactorSettings& settings = reactor_.settings;
  switch (phase_) {
    case Phase::kHttp: {
      const Tick timeout = request_timeout();
      if (timeout == 0 || now < phase_since_.near(now) + timeout) break;
      if (between_requests() && receives(timeout)) {
        phase_since_ = now;  // the peer cannot have read the response yet
        break;
      }
      if (awaits_verdict()) {
        reject_unavailable(CloseCause::kHandshakeTimeout,
                           "the handshake was not decided in time, try again");
      } else if (read_state_.has(ReadState::kAwaitingResponse)) {
        reject_unavailable(CloseCause::kHttpDone, "no response was ready in time, try again");
      } else if (session_.in_body()) {
        reject(protocol::Violation::kBodyTimeout);
      } else if (session_.unfinished()) {
        reject(protocol::Violation::kRequestTimeout);
      } else {
        close_after_flush(http_status_ == 0 ? CloseCause::kHandshakeTimeout
                          : draining_       ? CloseCause::kDrain
                                            : CloseCause::kHttpDone);
      }
      break;
    }
    case Phase::kOpen:
      check_open(now);
      break;
    case Phase::kClosing:
      if (now < pending_since_.near(now) + settings.close_timeout || still_takes(now)) break;
      if (cause_ == CloseCause::kDrain) {
        reactor_.counters.forced_closes.fetch_add(1, std::memory_order_relaxed);
      }
      if (!ended_) cause_ = CloseCause::kCloseTimeout;
      if (out_.idle() && out_.unacknowledged() == 0) {
        close_after_flush(cause_);  // a reset could destroy bytes that the peer has not read yet
      } else {
        reset(CloseCause::kCloseTimeout);
      }
      break;
    case Phase::kLingering:
      if (now >= phase_since_.near(now) + kLingerTicks) end_lingering(now);
      break;
    case Phase::kClosed:
      break;
  }
}

// Returns false if the peer has taken no byte of the queue for the write timeout.
bool Connection::write_in_time(Tick now) {
  const Tick timeout = reactor_.settings.write_timeout;
  const SendQueue& queue = *out_.queue();
  if (timeout == 0 || now < queue.last_progress() + (queue.looked() ? timeout : timeout / 2)) {
    return true;
  }
  return out_.look(now, timeout);
}

// Ends a connection whose output is in the kernel, unless its peer still takes bytes: closing the
// socket could destroy them.
void Connection::end_lingering(Tick now) {
  const bool more_time = now < pending_since_.near(now) + reactor_.settings.close_timeout;
  if (still_takes(now) || (more_time && out_.unacknowledged() != 0)) {
    phase_since_ = now;
    return;
  }
  given_up_ = out_.unacknowledged() != 0;
  if (given_up_ || deserves_reset(cause_)) reset_on_close(out_.fd());
  enter(Phase::kClosed);
}

void Connection::check_open(Tick now) {
  const Tick message_timeout = reactor_.settings.message_timeout;
  if (draining_ && now >= phase_since_.near(now)) {
    close(CloseCause::kDrain, close_code_for(CloseCause::kDrain),
          session_.is_client() ? "client going away" : "server going away");
    return;
  }
  if (!out_.idle() && !write_in_time(now)) {
    fail(CloseCause::kWriteTimeout, close_code_for(CloseCause::kWriteTimeout),
         "client accepts no data");
    return;
  }
  const bool waits = session_.inflating() || (read_state_.listed() && has_to_wait());
  if (waits || read_state_.paused()) exclude_paused_time();
  if (unfinished_ && !read_state_.paused() && message_timeout != 0 &&
      now >= pending_since_.near(now) + message_timeout) {
    fail(CloseCause::kMessageTimeout, close_code_for(CloseCause::kMessageTimeout),
         "message not complete in time");
    return;
  }
  const hub::HeartbeatTicks& heartbeat = settings().heartbeat;
  const Tick early = hub::ping_jitter(id(), heartbeat.ping_interval);
  switch (heartbeat_.check(heartbeat, early, now)) {
    case hub::Heartbeat::Verdict::kAlive:
      break;
    case hub::Heartbeat::Verdict::kPing:
      send_ping();
      break;
    case hub::Heartbeat::Verdict::kPongTimeout:
      if (pong_excused()) {
        heartbeat_.excuse(now);
        break;
      }
      fail(CloseCause::kPongTimeout, close_code_for(CloseCause::kPongTimeout),
           "no answer to a ping");
      break;
    case hub::Heartbeat::Verdict::kReadTimeout:
      if (receives(heartbeat.read_timeout)) {
        heartbeat_.excuse(now);
        break;
      }
      fail(CloseCause::kReadTimeout, close_code_for(CloseCause::kReadTimeout),
           "no data received for too long");
      break;
  }
}

}  // namespace wsd::net
