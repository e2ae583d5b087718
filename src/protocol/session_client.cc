// The client's role of a session (RFC 6455 §4.1, §5.1, §5.3).
#include <memory>

#include "base/assert.h"
#include "protocol/session.h"
#include "protocol/session_state.h"

namespace wsd::protocol {

void Session::begin_client(MaskingKeys& keys, const SessionLimits& limits) {
  WSD_ASSERT(phase_ == Phase::kHttp && !unfinished());
  held().client = std::make_unique<Client>(limits, keys);
  held().head.reset();
  is_client_ = true;
}

const HttpResponse& Session::response() const noexcept { return held_->client->reader->response(); }

Event Session::next_response(MutableBytes& input) {
  ResponseReader& reader = *held_->client->reader;
  Bytes rest = input;
  const ResponseReader::Status status = reader.read(rest);
  input = input.last(rest.size());  // the first frames may follow the head
  switch (status) {
    case ResponseReader::Status::kNeedMore:
      return {};
    case ResponseReader::Status::kFailed:
      return fail(reader.violation());
    case ResponseReader::Status::kComplete:
      break;
  }
  return event_of(Event::Kind::kResponse);
}

ControlFrame Session::control_frame(Opcode opcode, Bytes payload) {
  const ControlFrame frame = make_control_frame(opcode, payload);
  return is_client_ ? masked_control_frame(frame, next_key()) : frame;
}

MaskingKey Session::next_key() noexcept { return held_->client->keys.next(); }

}  // namespace wsd::protocol
