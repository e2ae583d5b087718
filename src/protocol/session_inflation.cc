// Decompresses the messages of a session (RFC 7692).
#include <memory>

#include "protocol/session.h"
#include "protocol/session_state.h"
#include "protocol/utf8.h"

namespace wsd::protocol {

Event Session::inflate(Opcode opcode, Bytes compressed, const MessageLimits& limits) {
  const Inflater::Status status = compression()->inflate(compressed, limits.max_message_bytes);
  if (status == Inflater::Status::kUnfinished) {
    if (held_->inflation == nullptr) {
      held_->inflation = std::make_unique<Inflation>(*compression());
    }
    held_->inflation->begin(opcode, compressed);
    return {};
  }
  const bool text_valid = status != Inflater::Status::kOk || opcode != Opcode::kText ||
                          is_utf8(compression()->pool().inflated.bytes());
  return inflated(opcode, status, text_valid);
}

// Returns the event for the message in the pool's `inflated`.
Event Session::inflated(Opcode opcode, Inflater::Status status, bool text_valid) {
  switch (status) {
    case Inflater::Status::kOk:
      break;
    case Inflater::Status::kUnfinished:
      return {};
    case Inflater::Status::kCorrupt:
      return fail(Violation::kBadCompression);
    case Inflater::Status::kBeforeStart:
      return fail(Violation::kCompressionContext);
    case Inflater::Status::kTooBig:
      return fail(Violation::kMessageTooBig);  // RFC 7692 §8, RFC 6455 §10.4
    case Inflater::Status::kNoMemory:
      finish();
      return event_of(Event::Kind::kNoMemory);
  }
  if (!text_valid) return fail(Violation::kTextNotUtf8);
  message_handed_out_ = in_message();
  Event event = event_of(Event::Kind::kMessage);
  event.opcode = opcode;
  event.payload = compression()->pool().inflated.bytes();
  return event;
}

// Goes on with an unfinished inflation, and then with the input after it.
Event Session::next_kept(const MessageLimits& limits) {
  Inflation& inflation = *held_->inflation;
  if (inflation.unfinished() && close_sent_) {  // ignored, as in whole_data() and end_frame()
    inflation.abandon();
    if (in_message()) held_->partial->message.reset();
  } else if (inflation.unfinished()) {
    const Inflater::Status status = inflation.step(limits.max_message_bytes);
    return inflated(inflation.opcode(), status, inflation.text_valid());
  }
  drop_idle_partial();
  MutableBytes input = inflation.input();
  const Event event = next_frame_event(input, limits);
  if (event.kind != Event::Kind::kNone) {
    inflation.set_left(input.size());
  } else if (!inflation.unfinished()) {
    held_->inflation.reset();
  }
  return event;
}

}  // namespace wsd::protocol
