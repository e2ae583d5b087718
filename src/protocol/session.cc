#include "protocol/session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"
#include "protocol/close_payload.h"
#include "protocol/frame_check.h"
#include "protocol/mask.h"
#include "protocol/session_state.h"
#include "protocol/utf8.h"

namespace wsd::protocol {
namespace {

// The payload of a frame with at least this many bytes to come is received directly into its
// message.
constexpr std::uint64_t kDirectReceiveBytes = std::uint64_t{16} << 10;

// Bytes kept beyond the head limit, so that the parser sees the byte that exceeds the limit.
constexpr std::size_t kHeadSlack = 16;

}  // namespace

Session::Session(const SessionLimits& limits) {
  if (limits.proxy_header) held().head = std::make_unique<Head>(limits);
}

Session::~Session() = default;

Session::Held& Session::held() {
  if (held_ == nullptr) held_ = std::make_unique<Held>();
  return *held_;
}

void Session::drop_if_empty() noexcept {
  if (held_ == nullptr) return;
  if (held_->head == nullptr && held_->client == nullptr && held_->partial == nullptr &&
      held_->compression == nullptr) {
    held_.reset();
  }
}

Session::Partial* Session::begun() const noexcept {
  return held_ == nullptr ? nullptr : held_->partial.get();
}

void Session::drop_partial() noexcept {
  if (held_ == nullptr) return;
  held_->partial.reset();
  drop_if_empty();
}

bool Session::inflating() const noexcept {
  return held_ != nullptr && held_->inflation != nullptr && held_->inflation->unfinished();
}

Compression* Session::compression() const noexcept {
  return held_ == nullptr ? nullptr : held_->compression.get();
}

// A second masking restores the masked bytes.
bool Session::keep_utf8(MutableBytes text, MaskingKey key) noexcept {
  if (is_utf8(text)) return true;
  apply_mask(text, key);
  return false;
}

bool Session::unmask_long_text(MutableBytes payload, MaskingKey key) noexcept {
  const auto word = std::bit_cast<std::uint32_t>(key);
  return mask_detail::apply_long(payload.data(), payload.size(), word) || keep_utf8(payload, key);
}

Event Session::next(MutableBytes& input, const SessionLimits& limits) {
  if (message_handed_out_) {
    message_handed_out_ = false;
    if (Partial* const partial = begun()) partial->message.reset();
  }
  if (phase_ == Phase::kFrames && held_ != nullptr && held_->inflation != nullptr) {
    WSD_DCHECK(input.empty());
    return next_kept(limits.message);
  }
  drop_idle_partial();
  switch (phase_) {
    case Phase::kHttp:
      return next_head(input, limits);
    case Phase::kFrames: {
      SmallMessage small;
      if (!fast_path_ready() || limits.message.max_message_bytes < kMostSmall ||
          !next_small(input, small)) {
        return next_frame_event(input, limits.message);
      }
      Event event = event_of(Event::Kind::kMessage);
      event.opcode = small.opcode;
      event.payload = small.payload;
      return event;
    }
    case Phase::kFinished:
      break;
  }
  release();
  input = {};
  return {};
}

Event Session::next_head(MutableBytes& input, const SessionLimits& limits) {
  if (input.empty()) return {};
  if (is_client_) return next_response(input);
  // A connection that has not sent anything yet holds no memory for a request.
  if (held().head == nullptr) held_->head = std::make_unique<Head>(limits);
  Head& head = *held_->head;
  if (head.proxy != nullptr) return next_proxy_header(input);
  if (head.body.reading()) return continue_body(input, limits.message);
  if (head.deferred) {
    head.pipelined.insert(head.pipelined.end(), input.begin(), input.end());
    input = {};
    return {};
  }
  Bytes so_far = input;
  const std::size_t held = head.bytes.size();
  if (held != 0) {
    const std::size_t room = limits.head.max_head_bytes + kHeadSlack;
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
  head.received = so_far.first(head.parser.head_size());
  // The bytes after the head stay in `input`: the first frames, a body, or the next request.
  input = input.subspan(head.parser.head_size() - held);
  Event event = event_of(Event::Kind::kRequest);
  event.request = &head.parser.request();
  return event;
}

Event Session::next_proxy_header(MutableBytes& input) {
  Head& head = *held_->head;
  Bytes rest = input;
  const ProxyHeaderParser::Status status = head.proxy->parse(rest);
  input = input.last(rest.size());
  if (status == ProxyHeaderParser::Status::kNeedMore) return {};
  if (status == ProxyHeaderParser::Status::kFailed) return fail(head.proxy->violation());
  head.proxy_source = head.proxy->source();
  head.proxy.reset();
  return event_of(Event::Kind::kProxied);
}

std::optional<IpEndpoint> Session::proxy_source() const noexcept {
  return held_ != nullptr && held_->head != nullptr ? held_->head->proxy_source : std::nullopt;
}

bool Session::awaits_proxy_header() const noexcept {
  return held_ != nullptr && held_->head != nullptr && held_->head->proxy != nullptr;
}

void Session::read_body() {
  WSD_ASSERT(phase_ == Phase::kHttp);
  Head& head = *held_->head;
  WSD_ASSERT(head.parser.request().body_due());
  keep_head();
  head.body.begin(head.parser.request());
}

// The request's views must outlive the read buffer, so the head is parsed again from a copy.
void Session::keep_head() {
  WSD_ASSERT(phase_ == Phase::kHttp);
  Head& head = *held_->head;
  if (!head.bytes.empty()) return;
  head.bytes.assign(as_text(head.received));
  head.parser.reset();
  const RequestParser::Status status = head.parser.parse(as_bytes(head.bytes));
  WSD_ASSERT(status == RequestParser::Status::kComplete);
}

const HttpRequest& Session::request() const noexcept { return held_->head->parser.request(); }

Event Session::continue_body(MutableBytes& input, const MessageLimits& limits) {
  Head& head = *held_->head;
  Bytes rest = input;
  const RequestBody::Status status = head.body.next(rest, limits.max_message_bytes);
  input = input.last(rest.size());
  switch (status) {
    case RequestBody::Status::kNeedMore:
      return {};
    case RequestBody::Status::kFailed:
      return fail(head.body.violation());
    case RequestBody::Status::kNoMemory:
      finish();
      return event_of(Event::Kind::kNoMemory);
    case RequestBody::Status::kComplete:
      break;
  }
  HttpRequest& whole = head.whole.emplace(head.parser.request());
  whole.body = as_text(head.body.bytes());
  whole.body_read = true;
  Event event = event_of(Event::Kind::kRequest);
  event.request = &whole;
  return event;
}

void Session::upgrade() noexcept {
  WSD_ASSERT(phase_ == Phase::kHttp);
  phase_ = Phase::kFrames;
  if (held_ == nullptr) return;
  held_->head.reset();
  if (is_client_) held_->client->reader.reset();
  drop_if_empty();
}

void Session::upgrade(const DeflateParameters& terms, DeflatePool& pool) {
  held().compression = std::make_unique<Compression>(terms, pool);
  upgrade();
}

void Session::defer() noexcept {
  WSD_ASSERT(phase_ == Phase::kHttp);
  held_->head->deferred = true;
}

void Session::resume() noexcept { held_->head->deferred = false; }

std::vector<std::uint8_t> Session::take_pipelined() noexcept {
  if (held_ == nullptr || held_->head == nullptr || held_->head->deferred) return {};
  return std::exchange(held_->head->pipelined, {});
}

void Session::next_request() noexcept {
  WSD_ASSERT(phase_ == Phase::kHttp);
  held_->head->deferred = false;
  held_->head->parser.reset();
  std::string().swap(held_->head->bytes);  // clear() would keep the memory
  held_->head->body.reset();
}

void Session::finish() noexcept { phase_ = Phase::kFinished; }

void Session::release() noexcept {
  WSD_ASSERT(phase_ == Phase::kFinished);
  message_handed_out_ = false;
  if (held_ == nullptr) return;
  held_->inflation.reset();
  held_->partial.reset();
  held_->head.reset();
  if (is_client_) held_->client->reader.reset();
  drop_if_empty();
}

std::optional<ControlFrame> Session::start_close(std::uint16_t code, std::string_view reason) {
  if (close_sent_) return std::nullopt;
  close_sent_ = true;
  const ControlFrame frame = make_close_frame(code, reason);
  return is_client_ ? masked_control_frame(frame, next_key()) : frame;
}

bool Session::unfinished() const noexcept {
  if (phase_ == Phase::kHttp) {
    if (held_ == nullptr) return false;
    return is_client_ ? held_->client->reader->started() : held_->head->parser.started();
  }
  return begun() != nullptr && !message_handed_out_ && !inflating();
}

bool Session::asks_head() const noexcept {
  return held_ != nullptr && held_->head != nullptr && held_->head->parser.is_head();
}

bool Session::in_body() const noexcept {
  return phase_ == Phase::kHttp && !is_client_ && held_ != nullptr && held_->head->body.reading();
}

std::size_t Session::held_bytes() const noexcept {
  if (held_ == nullptr) return 0;
  if (phase_ == Phase::kHttp && is_client_) return held_->client->reader->held_bytes();
  if (phase_ == Phase::kHttp) {
    const Head& head = *held_->head;
    return (head.bytes.empty() ? 0 : head.bytes.capacity()) + head.body.capacity() +
           head.pipelined.capacity();
  }
  return (held_->partial == nullptr ? 0 : held_->partial->message.capacity()) +
         (held_->inflation == nullptr ? 0 : held_->inflation->held_bytes());
}

Session::Partial& Session::partial() {
  Held& all = held();
  if (all.partial == nullptr) all.partial = std::make_unique<Partial>();
  return *all.partial;
}

bool Session::in_message() const noexcept {
  const Partial* const partial = begun();
  return partial != nullptr && partial->message.active();
}

void Session::drop_idle_partial() noexcept {
  if (const Partial* const partial = begun(); partial != nullptr && partial->idle()) {
    drop_partial();
  }
}

Event Session::fail(Violation violation) {
  finish();
  drop_partial();
  Event event = event_of(Event::Kind::kViolation);
  event.violation = violation;
  return event;
}

Event Session::next_frame_event(MutableBytes& input, const MessageLimits& limits) {
  for (;;) {
    if (inflating()) {
      held_->inflation->keep(input, !in_message());
      input = {};
      return {};
    }
    if (begun() != nullptr && begun()->in_frame) {
      const Event event = continue_frame(input, limits);
      if (event.kind != Event::Kind::kNone) return event;
      if (begun() != nullptr && begun()->in_frame) return {};
      continue;
    }
    if (input.empty()) return {};
    FrameHeader header;
    Violation violation = Violation::kNone;
    if (!read_header(input, header, violation)) {
      if (violation != Violation::kNone) return fail(violation);
      return {};
    }
    violation = judge(header, limits);
    if (violation != Violation::kNone) return fail(violation);

    Event event;
    if (header.payload_length <= input.size() &&
        (is_control(header.opcode) || (header.fin && !in_message()))) {
      const MutableBytes payload = input.first(static_cast<std::size_t>(header.payload_length));
      input = input.subspan(payload.size());
      event = is_control(header.opcode) ? control(header, payload)
                                        : whole_data(header, payload, limits);
    } else if (!begin_frame(header, limits)) {
      return fail(Violation::kTooManyFragments);
    }
    if (event.kind != Event::Kind::kNone) return event;
  }
}

// Removes a header from the input. Returns false if the header is incomplete, and keeps its bytes
// for the next call. If the first two bytes already break a rule, it also sets `violation`.
bool Session::read_header(MutableBytes& input, FrameHeader& header, Violation& violation) {
  const bool stashed = begun() != nullptr && begun()->header_size != 0;
  if (!stashed && input.size() >= 2 && input.size() >= frame_header_size(input[1])) {
    header = decode_frame_header(input);
    input = input.subspan(header.size);
    return true;
  }
  stash_header(input);
  Partial& held = *begun();
  if (held.header_size < 2) return false;
  if (held.header_size < frame_header_size(held.header_bytes[1])) {
    // Fail as soon as a violation is certain, without waiting for the rest.
    violation = check_frame_start(decode_frame_start(held.header_bytes[0], held.header_bytes[1]),
                                  held.message.active(), compression() != nullptr, !is_client_);
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

Violation Session::judge(const FrameHeader& header, const MessageLimits& limits) {
  const Violation start =
      check_frame_start(header, in_message(), compression() != nullptr, !is_client_);
  if (start != Violation::kNone) return start;
  const bool compressed = in_message() ? begun()->message.compressed() : header.rsv != 0;
  const std::uint64_t limit = limits.max_message_bytes;
  return check_frame_length(header, in_message() ? begun()->message.size() : 0,
                            compressed ? compressed_limit(limit) : limit);
}

Event Session::whole_data(const FrameHeader& header, MutableBytes payload,
                          const MessageLimits& limits) {
  if (header.rsv != 0) {
    if (close_sent_) return {};
    apply_mask(payload, header.key);
    return inflate(header.opcode, payload, limits);
  }
  if (header.opcode == Opcode::kText) {
    Utf8Validator utf8;
    if (!utf8.feed_masked(payload, header.key, 0) || !utf8.complete()) {
      return fail(Violation::kTextNotUtf8);  // §8.1
    }
  } else {
    apply_mask(payload, header.key);
  }
  if (close_sent_) return {};  // checked anyway, like a frame that comes in pieces
  Event event = event_of(Event::Kind::kMessage);
  event.opcode = header.opcode;
  event.payload = payload;
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

// Returns false if the message exceeds its fragment limit.
bool Session::begin_frame(const FrameHeader& header, const MessageLimits& limits) {
  Partial& held = partial();
  held.in_frame = true;
  held.frame = header;
  held.received = 0;
  if (is_control(header.opcode)) return true;
  if (!held.message.active()) held.message.begin(header.opcode, header.rsv != 0);
  return held.message.count_fragment(header.payload_length == 0, limits) == Violation::kNone;
}

Event Session::continue_frame(MutableBytes& input, const MessageLimits& limits) {
  Partial& held = *begun();
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
      drop_partial();
      return event_of(Event::Kind::kNoMemory);
    }
    if (!held.message.text_valid()) return fail(Violation::kTextNotUtf8);  // §8.1, fail-fast
  }
  held.received += count;
  return held.remaining() == 0 ? end_frame(limits) : Event{};
}

Event Session::end_frame(const MessageLimits& limits) {
  Partial& held = *begun();
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
  if (held.message.compressed()) {
    return inflate(held.message.opcode(), held.message.payload(), limits);
  }
  message_handed_out_ = true;
  Event event = event_of(Event::Kind::kMessage);
  event.opcode = held.message.opcode();
  event.payload = held.message.payload();
  return event;
}

MutableBytes Session::direct_buffer() noexcept {
  if (phase_ != Phase::kFrames || begun() == nullptr || !begun()->in_frame) return {};
  Partial& held = *begun();
  if (is_control(held.frame.opcode) || held.remaining() < kDirectReceiveBytes) return {};
  return held.message.room(held.remaining());
}

void Session::received_directly(std::size_t count) noexcept {
  Partial& held = *begun();
  held.message.commit(count, held.frame.key, held.received);
  held.received += count;
}

}  // namespace wsd::protocol
