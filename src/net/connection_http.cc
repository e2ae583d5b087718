// Requests and their responses.
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "net/clock.h"
#include "net/connection.h"
#include "protocol/http_date.h"
#include "protocol/http_response.h"

namespace wsd::net {

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

// Requests

void Connection::on_request(const protocol::HttpRequest& request) {
  RequestResult result = reactor_.application.on_request(*this, request);
  switch (result.kind) {
    case RequestResult::Kind::kReadBody:
      read_body(request.expects_continue);
      return;
    case RequestResult::Kind::kDefer:
      if (result.verdict_over != nullptr) {
        defer_upgrade(std::move(result.verdict_over));
      } else {
        defer_response();
      }
      return;
    case RequestResult::Kind::kRespond:
      respond(result);
      return;
    case RequestResult::Kind::kUpgrade:
      break;
  }
  grant(result);
  open_granted(result);
}

// Must be called even if the handshake fails after it: on_end() passes this peer_info to the
// application, which releases what it has counted for it.
void Connection::grant(RequestResult& result) noexcept {
  http_status_ = static_cast<std::uint16_t>(result.status);
  peer_info_ = std::move(result.peer_info);
  granted_ = true;
  route_ = result.route;
}

// Opens a connection whose handshake was granted.
void Connection::open_granted(RequestResult& result) {
  // Whatever may fail comes before the response that promises it.
  if (result.deflate) enable_compression(*result.deflate);
  if (result.encoding != hub::kIdentity) set_encoding(result.encoding);
  if (reactor_.rates != nullptr)
    reactor_.rates->begin(id(), settings().receive_rates, reactor_.now);
  sent([&] { return out_.send_raw(as_bytes(result.bytes), context()); });
  if (phase_ != Phase::kHttp) return;
  if (!result.deflate) session_.upgrade();
  set_data(std::move(result.data));
  opened_ = true;
  unfinished_ = false;
  heartbeat_.received(reactor_.now);
  enter(Phase::kOpen);
  if (result.opened) result.opened();
  if (phase_ == Phase::kOpen) reactor_.application.on_open(*this);
}

// Ends the idle time after a response: from its first byte on, a request has its own timeout. That
// of the first request runs from the accept.
void Connection::note_request_begun() {
  const bool unfinished = session_.unfinished();
  if (unfinished && !unfinished_ && http_status_ != 0) {
    phase_since_ = reactor_.now;
    arm();
  }
  unfinished_ = unfinished;
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

void Connection::defer_response() {
  session_.defer();
  read_state_.set(ReadState::kAwaitingResponse);
  phase_since_ = reactor_.now;
  arm();
}

// Parses the bytes that came after a request while its response was pending. Returns false if the
// connection must not be read now.
bool Connection::take_pipelined() {
  std::vector<std::uint8_t> pipelined = session_.take_pipelined();
  if (const auto accepted = take_accepted_upgrade()) open_granted(*accepted);
  if (!pipelined.empty()) take_events(pipelined);
  return wants_read();
}

// Responses

void Connection::respond(const RequestResult& result) {
  http_status_ = static_cast<std::uint16_t>(result.status);
  sent([&] { return out_.send_raw(as_bytes(result.bytes), context()); });
  if (phase_ != Phase::kHttp) return;
  if (result.keep_alive) {
    session_.next_request();
    unfinished_ = false;
    phase_since_ = reactor_.now;
    arm();
  } else {
    close_after_flush(result.rejected ? result.refusal : CloseCause::kHttpDone);
  }
}

void Connection::complete_request(const RequestResult& result) {
  if (phase_ != Phase::kHttp || !read_state_.has(ReadState::kAwaitingResponse)) return;
  read_state_.clear(ReadState::kAwaitingResponse);
  respond(result);
  if (phase_ != Phase::kHttp) return;
  // Pipelined bytes are parsed as if they had just arrived.
  read_state_.on_event(true, false);
  if (wants_read()) mark_ready();
}

// Rejections

void Connection::reject(protocol::Violation violation) {
  std::string response;
  const protocol::HttpDate date(wall_clock_ms() / 1000);
  protocol::write_violation(response, violation, "GET", session_.asks_head(), date.text());
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
  head.head_request = session_.asks_head();
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

}  // namespace wsd::net
