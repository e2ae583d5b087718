// What a connection does with what its session reads.
#include <utility>

#include "base/name_hash.h"
#include "net/connection.h"

namespace wsd::net {

void Connection::take_events(MutableBytes input) {
  for (;;) {
    const protocol::Event event = session_.next(input, reactor_.settings.session);
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

void Connection::set_client(std::string_view client) {
  WSD_DCHECK(phase_ == Phase::kHttp);
  const std::string_view via = peer_info_.via();
  const std::string_view peer = via.empty() ? peer_info_.remote() : via;
  if (!client.empty()) {
    peer_info_ = PeerInfo(client, {}, {}, {}, peer);
  } else if (!via.empty()) {
    peer_info_ = PeerInfo(peer, {}, {}, {});
  }
}

void Connection::on_request(const protocol::HttpRequest& request) {
  RequestResult result = reactor_.application.on_request(*this, request);
  switch (result.kind) {
    case RequestResult::Kind::kReadBody:
      read_body(request.expects_continue);
      return;
    case RequestResult::Kind::kDefer:
      defer_response();
      return;
    case RequestResult::Kind::kRespond:
      respond(result);
      return;
    case RequestResult::Kind::kUpgrade:
      break;
  }
  http_status_ = static_cast<std::uint16_t>(result.status);
  // Whatever comes of it, what the application has counted for these peer_info ends with them.
  peer_info_ = std::move(result.peer_info);
  granted_ = true;
  // What may fail comes before the answer that promises it.
  if (result.deflate) enable_compression(*result.deflate);
  if (result.encoding != hub::kIdentity) set_encoding(result.encoding);
  if (reactor_.rates != nullptr) reactor_.rates->begin(id(), reactor_.now);
  sent([&] { return out_.send_raw(as_bytes(result.bytes), context()); });
  if (phase_ != Phase::kHttp) return;
  if (!result.deflate) session_.upgrade();
  route_ = result.route;
  data_ = std::move(result.data);
  opened_ = true;
  heartbeat_.received(reactor_.now);
  enter(Phase::kOpen);
  if (result.opened) result.opened();
  if (phase_ == Phase::kOpen) reactor_.application.on_open(*this);
}

void Connection::respond(const RequestResult& result) {
  http_status_ = static_cast<std::uint16_t>(result.status);
  sent([&] { return out_.send_raw(as_bytes(result.bytes), context()); });
  if (phase_ != Phase::kHttp) return;
  if (result.keep_alive && !draining_) {
    session_.next_request();
    phase_since_ = reactor_.now;
    arm();
  } else {
    close_after_flush(result.rejected ? result.refusal : CloseCause::kHttpDone);
  }
}

void Connection::defer_response() {
  session_.defer();
  read_state_.set(ReadState::kAwaitingResponse);
  phase_since_ = reactor_.now;
  arm();
}

void Connection::complete_request(const RequestResult& result) {
  if (phase_ != Phase::kHttp || !read_state_.has(ReadState::kAwaitingResponse)) return;
  read_state_.clear(ReadState::kAwaitingResponse);
  respond(result);
  if (phase_ != Phase::kHttp) return;
  // What was kept is read as if it came now.
  read_state_.on_event(true, false);
  if (wants_read()) mark_ready();
}

// What came behind a request while its answer was made. False: nothing more is to be read now.
bool Connection::take_pipelined() {
  if (phase_ != Phase::kHttp) return true;
  std::vector<std::uint8_t> pipelined = session_.take_pipelined();
  if (!pipelined.empty()) take_events(pipelined);
  return wants_read();
}

void Connection::read_body(bool expects_continue) {
  session_.read_body();
  phase_since_ = reactor_.now;
  arm();
  if (!expects_continue) return;
  // RFC 9110 §10.1.1: the client may wait for this before it sends the body.
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  sent([&] { return out_.send_raw(as_bytes(kContinue), context()); });
}

void Connection::on_message(protocol::Opcode opcode, Bytes payload) {
  if (phase_ != Phase::kOpen) return;
  if (reactor_.rates != nullptr && !within_message_rate()) return;
  deliver_to_application(opcode, payload);
}

void Connection::on_ping(Bytes payload) {
  if (!within_control_budget() || phase_ != Phase::kOpen) return;
  sent([&] {
    return out_.send_pong(protocol::make_control_frame(protocol::Opcode::kPong, payload),
                          context());
  });
}

// RFC 6455 §5.5.3: one that was not asked for gets no response.
void Connection::on_pong(Bytes payload) {
  if (!within_control_budget() || !pinged_) return;
  const auto age_ns = PingStamp::age_ns(payload, reactor_.now_ns, process_hash_key().low);
  if (!age_ns) return;
  pinged_ = false;
  round_trip_ = RoundTrip(*age_ns / 1000);
  reactor_.stats.round_trip.record(*age_ns);
}

bool Connection::within_control_budget() {
  const std::uint32_t budget = reactor_.settings.max_control_frames_per_second;
  if (budget == 0) return true;
  const Tick second = reactor_.now / ticks_for_ms(1000) & 0xFFFU;
  if (second != control_second_) {
    control_second_ = second & 0xFFFU;
    control_frames_ = 0;
  }
  if (control_frames_ < budget) {
    ++control_frames_;
    return true;
  }
  on_violation(protocol::Violation::kTooManyControlFrames);
  return false;
}

// What it sends before it is open, a request's head, has bounds of its own.
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

void Connection::on_close_frame(const protocol::Event& event) {
  code_received_ = event.close_code;
  if (!event.payload.empty()) peer_info_.set_close_reason(as_text(event.payload));
  if (phase_ == Phase::kOpen) {
    // §5.5.1: the answer echoes the status code, or has none where none came.
    const auto echo = session_.start_close(event.close_code, {});
    code_sent_ = event.close_code;
    cause_ = CloseCause::kPeerClosed;
    enter(Phase::kClosing);
    if (echo) sent([&] { return out_.send_close(*echo, context()); });
  }
  // §7.1.1: with both Close frames exchanged the server ends TCP first.
  if (phase_ == Phase::kClosing) close_after_flush(cause_);
}

void Connection::on_violation(protocol::Violation violation) {
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
    case Phase::kHttp: {
      const bool between_requests = http_status_ != 0 && !session_.unfinished();
      close_after_flush(between_requests ? CloseCause::kHttpDone : CloseCause::kEof);
      break;
    }
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

void Connection::account_input() {
  constexpr std::size_t kKib = 1024;
  const std::size_t held = (session_.held_bytes() + kKib - 1) / kKib * kKib;
  const std::size_t counted = held_input_kib_ * kKib;
  if (held == counted) return;
  const std::size_t before =
      reactor_.counters.input_bytes.fetch_add(held - counted, std::memory_order_relaxed);
  const std::size_t total = before + (held - counted);
  const bool grew = held > counted;
  held_input_kib_ = static_cast<std::uint32_t>(held / kKib);
  if (grew && total > reactor_.settings.max_input_bytes) {
    if (phase_ == Phase::kHttp) reject(protocol::Violation::kInputBudget);
    fail(CloseCause::kInputBudget, close_code_for(CloseCause::kInputBudget),
         "server has no memory left for incomplete messages");
    release_input();
  }
}

// What has not been completed never will be: its bytes are not kept until TCP has ended.
void Connection::release_input() {
  session_.release();
  account_input();
}

}  // namespace wsd::net
