// The client's role: its opening handshake (RFC 6455 §4.1) and its masked messages (§5.3).
#include <new>
#include <utility>

#include "net/connection.h"

namespace wsd::net {

void Connection::begin_client(Bytes request) {
  try {
    session_.begin_client(reactor_.masking_keys, reactor_.settings.session);
  } catch (const std::bad_alloc&) {
    fail_out_of_memory();
    return;
  }
  sent([&] { return out_.send_raw(request, context()); });
}

void Connection::on_response(const protocol::HttpResponse& response) {
  http_status_ = static_cast<std::uint16_t>(response.status);
  ResponseResult result = reactor_.application.on_response(*this, response);
  if (!result.accepted) {
    violation_ = result.violation;
    close_after_flush(violation_ == protocol::Violation::kNone ? CloseCause::kHandshakeRejected
                                                               : CloseCause::kProtocolError);
    return;
  }
  peer_info_ = std::move(result.peer_info);
  granted_ = true;
  if (result.deflate) {
    enable_compression(*result.deflate);
  } else {
    session_.upgrade();
  }
  opened_ = true;
  unfinished_ = false;
  heartbeat_.received(reactor_.now);
  enter(Phase::kOpen);
  reactor_.application.on_open(*this);
}

Outbound::Status Connection::send_masked(protocol::Opcode opcode, Bytes payload,
                                         const hub::SlowPolicyFor* rule) {
  protocol::Compression* const compression = session_.compression();
  Bytes deflated;
  if (compression != nullptr && payload.size() >= reactor_.settings.deflate_threshold) {
    deflated = compression->deflate(payload);
  }
  const bool compressed = !deflated.empty();
  const Outbound::Status status = out_.send_masked(opcode, compressed ? deflated : payload,
                                                   compressed, session_.next_key(), context(rule));
  if (status == Outbound::Status::kDropped && compression != nullptr) compression->forget_sent();
  return status;
}

}  // namespace wsd::net
