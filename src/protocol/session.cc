#include "protocol/session.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/assert.h"
#include "protocol/close_payload.h"
#include "protocol/frame_check.h"
#include "protocol/mask.h"
#include "protocol/utf8.h"

namespace wsd::protocol {
namespace {

// A frame of which this much is still to come is received straight into its message.
constexpr std::uint64_t kDirectReceiveBytes = std::uint64_t{16} << 10;

// Slack beyond the head limit in what is copied, so that the parser sees the byte that crosses it.
constexpr std::size_t kHeadSlack = 16;

Event event_of(Event::Kind kind) {
  Event event;
  event.kind = kind;
  return event;
}

}  // namespace

struct Session::Head {
  explicit Head(const HeadLimits& limits) : parser(limits) {}
  RequestParser parser;
  std::string bytes;  // of a head that came in more than one piece
};

struct Session::Partial {
  std::array<std::uint8_t, kMaxFrameHeaderBytes> header_bytes = {};
  std::uint8_t header_size = 0;  // bytes of an incomplete header
  bool in_frame = false;         // `frame` is valid and its payload incomplete
  FrameHeader frame;
  std::uint64_t received = 0;  // payload bytes of `frame` so far
  std::array<std::uint8_t, kMaxControlPayload> control = {};
  MessageAssembler message;

  [[nodiscard]] std::uint64_t remaining() const noexcept { return frame.payload_length - received; }
  [[nodiscard]] bool idle() const noexcept {
    return header_size == 0 && !in_frame && !message.active();
  }
};

Session::Session(const SessionLimits& limits)
    : limits_(&limits), head_(std::make_unique<Head>(limits.head)) {}

Session::~Session() = default;

Event Session::next_of_any(MutableBytes& input) {
  if (message_handed_out_) {
    message_handed_out_ = false;
    if (partial_ != nullptr) partial_->message.reset();
  }
  drop_idle_partial();
  switch (phase_) {
    case Phase::kHttp:
      return next_head(input);
    case Phase::kFrames:
      return next_frame_event(input);
    case Phase::kFinished:
      break;
  }
  release();
  input = {};
  return {};
}

Event Session::next_head(MutableBytes& input) {
  if (input.empty()) return {};
  Head& head = *head_;
  Bytes so_far = input;
  const std::size_t held = head.bytes.size();
  if (held != 0) {
    const std::size_t room = limits_->head.max_head_bytes + kHeadSlack;
    head.bytes.append(as_text(input.first(std::min(input.size(), room > held ? room - held : 0))));
    so_far = as_bytes(head.bytes);
  }
  switch (head.parser.parse(so_far)) {
    case RequestParser::Status::kNeedMore:
      if (held == 0) head.bytes.assign(as_text(input));
      input = {};
      return {};
    case RequestParser::Status::kFailed:
      return fail(head.parser.violation());
    case RequestParser::Status::kComplete:
      break;
  }
  // What follows the head in this segment stays in `input`: the first frames, or the next request.
  input = input.subspan(head.parser.head_size() - held);
  Event event = event_of(Event::Kind::kRequest);
  event.request = &head.parser.request();
  return event;
}

void Session::upgrade() noexcept {
  WSD_ASSERT(phase_ == Phase::kHttp);
  phase_ = Phase::kFrames;
  head_.reset();
}

void Session::upgrade(const DeflateTerms& terms, DeflatePool& pool) {
  compression_ = std::make_unique<Compression>(terms, pool);
  upgrade();
}

void Session::next_request() noexcept {
  WSD_ASSERT(phase_ == Phase::kHttp);
  head_->parser.reset();
  std::string().swap(head_->bytes);  // not clear(), which keeps the memory
}

void Session::finish() noexcept { phase_ = Phase::kFinished; }

void Session::release() noexcept {
  WSD_ASSERT(phase_ == Phase::kFinished);
  message_handed_out_ = false;
  partial_.reset();
  head_.reset();
}

std::optional<ControlFrame> Session::start_close(std::uint16_t code, std::string_view reason) {
  if (close_sent_) return std::nullopt;
  close_sent_ = true;
  return make_close_frame(code, reason);
}

bool Session::unfinished() const noexcept {
  if (phase_ == Phase::kHttp) return head_->parser.started();
  return partial_ != nullptr && !message_handed_out_;
}

std::size_t Session::held_bytes() const noexcept {
  if (phase_ == Phase::kHttp) return head_->bytes.empty() ? 0 : head_->bytes.capacity();
  return partial_ == nullptr ? 0 : partial_->message.capacity();
}

Session::Partial& Session::partial() {
  if (partial_ == nullptr) partial_ = std::make_unique<Partial>();
  return *partial_;
}

bool Session::in_message() const noexcept {
  return partial_ != nullptr && partial_->message.active();
}

void Session::drop_idle_partial() noexcept {
  if (partial_ != nullptr && partial_->idle()) partial_.reset();
}

Event Session::fail(Violation violation) {
  finish();
  partial_.reset();
  Event event = event_of(Event::Kind::kViolation);
  event.violation = violation;
  return event;
}

Event Session::next_frame_event(MutableBytes& input) {
  for (;;) {
    if (partial_ != nullptr && partial_->in_frame) {
      const Event event = continue_frame(input);
      if (event.kind != Event::Kind::kNone) return event;
      if (partial_ != nullptr && partial_->in_frame) return {};
      continue;
    }
    if (input.empty()) return {};
    FrameHeader header;
    Violation violation = Violation::kNone;
    if (!read_header(input, header, violation)) {
      if (violation != Violation::kNone) return fail(violation);
      return {};
    }
    violation = judge(header);
    if (violation != Violation::kNone) return fail(violation);

    Event event;
    if (header.payload_length <= input.size() &&
        (is_control(header.opcode) || (header.fin && !in_message()))) {
      const MutableBytes payload = input.first(static_cast<std::size_t>(header.payload_length));
      input = input.subspan(payload.size());
      event = is_control(header.opcode) ? control(header, payload) : whole_data(header, payload);
    } else if (!begin_frame(header)) {
      return fail(Violation::kTooManyFragments);
    }
    if (event.kind != Event::Kind::kNone) return event;
  }
}

// The short way for what most frames are: a whole message of at most 125 bytes, all of it there,
// and nothing begun before. What it does not take has no property of its own: next_frame_event()
// judges every frame.
bool Session::small_message(MutableBytes& input, Event& event) {
  constexpr std::size_t kHeaderBytes = 6;      // §5.2: two bytes and the masking key
  constexpr std::uint8_t kFinalText = 0x81;    // FIN, no RSV, opcode 1
  constexpr std::uint8_t kFinalBinary = 0x82;  // likewise, opcode 2
  constexpr std::uint8_t kMaskBit = 0x80;      // without it the length is above what is taken
  if (close_sent_ || input.size() < kHeaderBytes) return false;
  const std::uint8_t first = input[0];
  const auto size = static_cast<std::size_t>(input[1] ^ kMaskBit);
  if (first != kFinalText && first != kFinalBinary) return false;
  if (size > std::min({kMaxControlPayload, input.size() - kHeaderBytes,
                       static_cast<std::size_t>(limits_->message.max_message_bytes)})) {
    return false;
  }
  MaskingKey key;
  std::copy_n(input.begin() + 2, key.size(), key.begin());
  const MutableBytes payload = input.subspan(kHeaderBytes, size);
  input = input.subspan(kHeaderBytes + size);
  if (first == kFinalText) {
    Utf8Validator utf8;
    if (!utf8.feed_masked(payload, key, 0) || !utf8.complete()) {
      event = fail(Violation::kTextNotUtf8);  // §8.1
      return true;
    }
  } else {
    apply_mask(payload, key);
  }
  event.kind = Event::Kind::kMessage;
  event.opcode = static_cast<Opcode>(first & 0x0F);
  event.payload = payload;
  return true;
}

// Takes a header off the input. False when it is incomplete, kept for the next call, or when its
// first two bytes prove a violation.
bool Session::read_header(MutableBytes& input, FrameHeader& header, Violation& violation) {
  const bool stashed = partial_ != nullptr && partial_->header_size != 0;
  if (!stashed && input.size() >= 2 && input.size() >= frame_header_size(input[1])) {
    header = decode_frame_header(input);
    input = input.subspan(header.size);
    return true;
  }
  stash_header(input);
  Partial& held = *partial_;
  if (held.header_size < 2) return false;
  if (held.header_size < frame_header_size(held.header_bytes[1])) {
    // Fail on what is already proved, not when the rest has come.
    violation = check_frame_start(decode_frame_start(held.header_bytes[0], held.header_bytes[1]),
                                  held.message.active(), compression_ != nullptr);
    return false;
  }
  header = decode_frame_header(held.header_bytes);
  held.header_size = 0;
  drop_idle_partial();
  return true;
}

void Session::stash_header(MutableBytes& input) {
  Partial& held = partial();
  const auto take = [&](std::size_t goal) {
    const std::size_t count =
        std::min(input.size(), goal - std::min<std::size_t>(goal, held.header_size));
    std::copy_n(input.begin(), count, held.header_bytes.begin() + held.header_size);
    held.header_size = static_cast<std::uint8_t>(held.header_size + count);
    input = input.subspan(count);
  };
  take(2);
  if (held.header_size >= 2) take(frame_header_size(held.header_bytes[1]));
}

Violation Session::judge(const FrameHeader& header) {
  const Violation start = check_frame_start(header, in_message(), compression_ != nullptr);
  if (start != Violation::kNone) return start;
  const bool compressed = in_message() ? partial_->message.compressed() : header.rsv != 0;
  const std::uint64_t limit = limits_->message.max_message_bytes;
  return check_frame_length(header, in_message() ? partial_->message.size() : 0,
                            compressed ? compressed_limit(limit) : limit);
}

Event Session::whole_data(const FrameHeader& header, MutableBytes payload) {
  if (header.rsv != 0) {
    if (close_sent_) return {};
    apply_mask(payload, header.key);
    return inflate(header.opcode, payload);
  }
  if (header.opcode == Opcode::kText) {
    Utf8Validator utf8;
    if (!utf8.feed_masked(payload, header.key, 0) || !utf8.complete()) {
      return fail(Violation::kTextNotUtf8);  // §8.1
    }
  } else {
    apply_mask(payload, header.key);
  }
  if (close_sent_) return {};  // checked all the same: a frame that comes in pieces is
  Event event = event_of(Event::Kind::kMessage);
  event.opcode = header.opcode;
  event.payload = payload;
  return event;
}

Event Session::inflate(Opcode opcode, Bytes compressed) {
  switch (compression_->inflate(compressed, limits_->message.max_message_bytes)) {
    case Inflater::Status::kOk:
      break;
    case Inflater::Status::kCorrupt:
      return fail(Violation::kBadCompression);
    case Inflater::Status::kTooBig:
      return fail(Violation::kMessageTooBig);  // RFC 7692 §8, RFC 6455 §10.4
    case Inflater::Status::kNoMemory:
      finish();
      return event_of(Event::Kind::kNoMemory);
  }
  Event event = event_of(Event::Kind::kMessage);
  event.opcode = opcode;
  event.payload = compression_->pool().inflated.bytes();
  if (opcode == Opcode::kText && !is_utf8(event.payload)) return fail(Violation::kTextNotUtf8);
  return event;
}

Event Session::control(const FrameHeader& header, MutableBytes payload) {
  apply_mask(payload, header.key);
  Event event;
  event.opcode = header.opcode;
  event.payload = payload;
  if (header.opcode == Opcode::kPing) {
    event.kind = Event::Kind::kPing;
  } else if (header.opcode == Opcode::kPong) {
    event.kind = Event::Kind::kPong;
  } else {
    const ClosePayload close = read_close_payload(payload);
    if (close.violation != Violation::kNone) return fail(close.violation);
    event.kind = Event::Kind::kClose;
    event.close_code = close.code;
    event.payload = payload.subspan(payload.size() - close.reason.size());
    close_received_ = true;
    finish();  // §5.5.1: nothing follows a Close
  }
  return event;
}

// False when the message has more fragments than it may.
bool Session::begin_frame(const FrameHeader& header) {
  Partial& held = partial();
  held.in_frame = true;
  held.frame = header;
  held.received = 0;
  if (is_control(header.opcode)) return true;
  if (!held.message.active()) held.message.begin(header.opcode, header.rsv != 0);
  return held.message.count_fragment(header.payload_length == 0, limits_->message) ==
         Violation::kNone;
}

Event Session::continue_frame(MutableBytes& input) {
  Partial& held = *partial_;
  const auto count =
      static_cast<std::size_t>(std::min<std::uint64_t>(held.remaining(), input.size()));
  const MutableBytes chunk = input.first(count);
  input = input.subspan(count);
  if (is_control(held.frame.opcode)) {
    std::copy(chunk.begin(), chunk.end(),
              held.control.begin() + static_cast<std::ptrdiff_t>(held.received));
  } else {
    if (!held.message.append(chunk, held.frame.key, held.received, held.remaining())) {
      finish();
      partial_.reset();
      return event_of(Event::Kind::kNoMemory);
    }
    if (!held.message.text_valid()) return fail(Violation::kTextNotUtf8);  // §8.1, fail-fast
  }
  held.received += count;
  return held.remaining() == 0 ? end_frame() : Event{};
}

Event Session::end_frame() {
  Partial& held = *partial_;
  held.in_frame = false;
  if (is_control(held.frame.opcode)) {
    return control(
        held.frame,
        MutableBytes(held.control).first(static_cast<std::size_t>(held.frame.payload_length)));
  }
  if (!held.frame.fin) return {};
  if (!held.message.text_complete()) return fail(Violation::kTextNotUtf8);
  if (close_sent_) {
    held.message.reset();
    drop_idle_partial();
    return {};
  }
  message_handed_out_ = true;
  if (held.message.compressed()) return inflate(held.message.opcode(), held.message.payload());
  Event event = event_of(Event::Kind::kMessage);
  event.opcode = held.message.opcode();
  event.payload = held.message.payload();
  return event;
}

MutableBytes Session::direct_buffer() noexcept {
  if (phase_ != Phase::kFrames || partial_ == nullptr || !partial_->in_frame) return {};
  Partial& held = *partial_;
  if (is_control(held.frame.opcode) || held.remaining() < kDirectReceiveBytes) return {};
  return held.message.room(held.remaining());
}

void Session::received_directly(std::size_t count) noexcept {
  Partial& held = *partial_;
  held.message.commit(count, held.frame.key, held.received);
  held.received += count;
}

}  // namespace wsd::protocol
