// Requests of the application to a connection, besides sending and closing: pauses, notices,
// Pings, timers and deferred handshakes.
#include <utility>

#include "net/connection.h"

namespace wsd::net {

// Extras

ConnectionExtras& Connection::extras() {
  if (ConnectionExtras* const existing = find_extras()) return *existing;
  auto extras = std::make_unique<ConnectionExtras>();
  ConnectionExtras& made = *extras;
  made.data = std::move(data_);
  data_ = std::move(extras);
  has_extras_ = true;
  return made;
}

void Connection::drop_unused_extras() noexcept {
  ConnectionExtras* const extras = find_extras();
  if (extras == nullptr || !extras->unused()) return;
  std::unique_ptr<ConnectionData> data = std::move(extras->data);
  has_extras_ = false;
  data_ = std::move(data);
}

// Must be called before the close handler: from then on, no other handler runs.
void Connection::end_extras() noexcept {
  ConnectionExtras* const extras = find_extras();
  if (extras == nullptr) return;
  extras->timers.clear();
  extras->drain_mark.reset();
  extras->upgrade.reset();
  drop_unused_extras();
}

void Connection::set_data(std::unique_ptr<ConnectionData> data) {
  ConnectionExtras* const extras = find_extras();
  std::unique_ptr<ConnectionData>& stored = extras == nullptr ? data_ : extras->data;
  const std::unique_ptr<ConnectionData> replaced = std::exchange(stored, std::move(data));
}

// Reading

void Connection::pause_by_application() noexcept {
  if (phase_ == Phase::kOpen) pause_reading(ReadState::kPausedByApplication);
}

void Connection::resume_by_application() noexcept {
  if (read_state_.has(ReadState::kPausedByApplication)) {
    resume_reading(ReadState::kPausedByApplication);
  }
}

// Acts on an end of the stream that no read step would see, because the connection is not read.
void Connection::on_end_of_stream(const Readiness& readiness) {
  if (awaits_verdict()) {
    on_eof();
  } else if (readiness.broken() && read_state_.has(ReadState::kPausedByApplication)) {
    on_gone();
  }
}

// Sending

bool Connection::notify_drained(std::size_t mark) {
  if (phase_ != Phase::kOpen) return false;
  extras().drain_mark = mark;
  mark_dirty();  // the flush step tells, also if the queue has drained already
  return true;
}

void Connection::tell_drained() {
  ConnectionExtras* const extras = find_extras();
  if (extras == nullptr || !extras->drain_mark || phase_ != Phase::kOpen ||
      out_.queued_bytes() > *extras->drain_mark) {
    return;
  }
  extras->drain_mark.reset();
  drop_unused_extras();
  try {
    reactor_.application.on_drained(*this);
  } catch (const std::bad_alloc&) {
    fail_out_of_memory();
  }
}

// A queue that is half full takes no more Pings, so that they cannot pile up.
SendResult Connection::ping(Bytes payload) {
  if (phase_ != Phase::kOpen) return SendResult::kClosed;
  if (payload.size() > protocol::kMaxControlPayload) return SendResult::kTooBig;
  if (out_.high(settings().send_queue)) return SendResult::kDropped;
  const Outbound::Status status = sent([&] {
    return out_.send_control(session_.control_frame(protocol::Opcode::kPing, payload), context());
  });
  const bool done = status == Outbound::Status::kSent || status == Outbound::Status::kQueued;
  return done ? SendResult::kSent : SendResult::kClosed;
}

// Timers

bool Connection::start_timer(std::shared_ptr<ApplicationTimer> timer, std::uint32_t delay_ms) {
  if (phase_ != Phase::kOpen) return false;
  extras().timers.add(std::move(timer), timer_deadline(reactor_.now, delay_ms));
  return true;
}

// Deferred handshakes

// The timeout of the handshake goes on.
void Connection::defer_upgrade(std::shared_ptr<std::atomic<bool>> over) {
  auto pending = std::make_unique<PendingUpgrade>(std::move(over));
  extras().upgrade = std::move(pending);
  session_.keep_head();
  session_.defer();
  read_state_.set(ReadState::kAwaitingResponse);
  if (read_state_.ended()) {
    on_eof();
  } else {
    arm();
  }
}

bool Connection::awaits_verdict() const noexcept {
  const ConnectionExtras* const extras = find_extras();
  return extras != nullptr && extras->upgrade != nullptr && extras->upgrade->accepted == nullptr;
}

void Connection::complete_upgrade(std::unique_ptr<RequestResult> result) {
  WSD_ASSERT(awaits_verdict());
  if (result->kind != RequestResult::Kind::kUpgrade) {
    complete_request(*result);
    return;
  }
  grant(*result);
  find_extras()->upgrade->accepted = std::move(result);
  session_.resume();
  read_state_.clear(ReadState::kAwaitingResponse);
  // The read step of this turn opens the connection and parses the pipelined bytes, as if the whole
  // request had just arrived.
  read_state_.on_event(true, false);
  if (wants_read()) mark_ready();
}

std::unique_ptr<RequestResult> Connection::take_accepted_upgrade() noexcept {
  ConnectionExtras* const extras = find_extras();
  if (extras == nullptr || extras->upgrade == nullptr) return nullptr;
  std::unique_ptr<RequestResult> accepted = std::move(extras->upgrade->accepted);
  extras->upgrade.reset();
  drop_unused_extras();
  return accepted;
}

}  // namespace wsd::net
