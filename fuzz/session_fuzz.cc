// Feeds a session in pieces that the input chooses, and compares it with a slow reference that
// reads the same stream frame by frame with all bytes available.
//
// Input: options (whether the handshake comes first, tight limits, permessage-deflate and its
// parameters), the event after which our Close is sent (0: never), how many splits (modulo 16),
// their sizes, then the stream.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "protocol/handshake.h"
#include "protocol/session.h"
#include "slow_inflate.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT
using Kind = Event::Kind;
using fuzz::SlowInflater;

struct Plan {
  bool fresh = false;  // begins with the opening handshake
  bool tight = false;  // limits so small that short inputs reach them
  std::optional<DeflateParameters> deflate;
  std::size_t close_after = 0;
  std::vector<std::size_t> cuts;
  std::string_view stream;

  [[nodiscard]] SessionLimits limits() const {
    SessionLimits limits;
    if (tight) {
      limits.head = {.max_request_line_bytes = 60,
                     .max_head_bytes = 400,
                     .max_field_bytes = 80,
                     .max_fields = 8};
      limits.message = {.max_message_bytes = 40, .max_fragments = 5, .max_empty_fragments = 2};
    }
    return limits;
  }
};

std::optional<Plan> read_plan(std::string_view input) {
  if (input.size() < 3) return std::nullopt;
  const auto byte = [&input](std::size_t at) { return static_cast<std::uint8_t>(input[at]); };
  Plan plan;
  plan.fresh = (byte(0) & 1) != 0;
  plan.tight = (byte(0) & 2) != 0;
  if ((byte(0) & 4) != 0 && have_deflate()) {
    plan.deflate = DeflateParameters{
        .client_no_context_takeover = (byte(0) & 8) != 0,
        .client_max_window_bits = static_cast<std::uint8_t>(9 + (byte(0) >> 4) % 7),
    };
  }
  plan.close_after = byte(1);
  const std::size_t cuts = std::min<std::size_t>(byte(2) % 16, input.size() - 3);
  for (std::size_t i = 0; i < cuts; ++i) plan.cuts.push_back(byte(3 + i));
  plan.stream = input.substr(3 + cuts);
  return plan;
}

// An event, copied from its views.
struct Seen {
  Kind kind = Kind::kNone;
  unsigned opcode = 0;
  unsigned code = 0;  // of a Close; for a violation, the code of the answer
  std::string payload;
  bool operator==(const Seen&) const = default;
};

bool is_end(Kind kind) {
  return kind == Kind::kViolation || kind == Kind::kClose || kind == Kind::kNoMemory;
}

// UTF-8 by the ABNF of RFC 3629 §4.
enum class Text { kWhole, kOpen, kBad };

Text judge_text(std::string_view text) {
  std::size_t at = 0;
  const auto in = [&text](std::size_t i, unsigned first, unsigned last) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    return byte >= first && byte <= last;
  };
  while (at < text.size()) {
    std::size_t tail = 0;
    unsigned first = 0x80;
    unsigned last = 0xBF;
    if (in(at, 0x00, 0x7F)) {
      tail = 0;
    } else if (in(at, 0xC2, 0xDF)) {
      tail = 1;
    } else if (in(at, 0xE0, 0xEF)) {
      tail = 2;
      if (in(at, 0xE0, 0xE0)) first = 0xA0;
      if (in(at, 0xED, 0xED)) last = 0x9F;
    } else if (in(at, 0xF0, 0xF4)) {
      tail = 3;
      if (in(at, 0xF0, 0xF0)) first = 0x90;
      if (in(at, 0xF4, 0xF4)) last = 0x8F;
    } else {
      return Text::kBad;
    }
    for (std::size_t i = 1; i <= tail; ++i) {
      if (at + i == text.size()) return Text::kOpen;
      if (!in(at + i, i == 1 ? first : 0x80, i == 1 ? last : 0xBF)) return Text::kBad;
    }
    at += 1 + tail;
  }
  return Text::kWhole;
}

// Feeds a session and checks every event as it comes.
class Player {
 public:
  // `step`: the units of work of one step of decompressing
  explicit Player(const Plan& plan, std::size_t step = kInflateShare)
      : plan_(plan), step_(step), limits_(plan.limits()), session_(limits_) {
    if (!plan.fresh) upgrade();
  }

  void feed(std::string_view bytes) {
    // Copied to a separate block, so that a view that outlives it is detected.
    std::vector<std::uint8_t> block(as_bytes(bytes).begin(), as_bytes(bytes).end());
    MutableBytes input(block);
    drain(input);
  }

  // Feeds as much of `bytes` as the direct buffer takes. Returns 0 if there is no direct buffer.
  std::size_t feed_directly(std::string_view bytes) {
    const MutableBytes room = session_.direct_buffer();
    const std::size_t count = std::min(room.size(), bytes.size());
    if (count == 0) return 0;
    std::copy_n(as_bytes(bytes).begin(), count, room.begin());
    session_.received_directly(count);
    MutableBytes nothing;
    drain(nothing);
    return count;
  }

  [[nodiscard]] const std::vector<Seen>& events() const { return events_; }
  [[nodiscard]] const Session& session() const { return session_; }
  [[nodiscard]] bool upgraded() const { return upgraded_ || !plan_.fresh; }

 private:
  void upgrade() {
    if (plan_.deflate) {
      session_.upgrade(*plan_.deflate, pool_);
    } else {
      session_.upgrade();
    }
  }

  void drain(MutableBytes& input) {
    for (;;) {
      pool_.end_turn(true);
      pool_.inflating.begin_step(step_);
      const Event event = session_.next(input, limits_);
      if (event.kind == Kind::kNone) {
        check_held();
        WSD_ASSERT(input.empty());
        if (session_.inflating()) continue;  // in the next turn
        break;
      }
      WSD_ASSERT(!ended_);
      take(event);
    }
    WSD_ASSERT(input.empty());
    WSD_ASSERT(session_.reading() != ended_);
    if (!session_.unfinished() && upgraded()) WSD_ASSERT(session_.held_bytes() == 0);
  }

  void check_held() const {
    if (session_.reading() && session_.in_body()) {
      WSD_ASSERT(session_.unfinished());
      WSD_ASSERT(session_.held_bytes() <= limits_.message.max_message_bytes + (64 << 10));
    }
    if (session_.reading() && upgraded()) {
      // An assembler, and for a suspended message its plain bytes and the input after it.
      const std::size_t suspended = session_.inflating() ? plan_.stream.size() + (64 << 10) : 0;
      WSD_ASSERT(session_.held_bytes() <=
                 (suspended != 0 ? 3 : 2) * limits_.message.max_message_bytes + (64 << 10) +
                     suspended);
    }
  }

  void take(const Event& event) {
    check(event);
    Seen seen{.kind = event.kind, .payload = std::string(as_text(event.payload))};
    if (event.kind == Kind::kMessage) seen.opcode = static_cast<unsigned>(event.opcode);
    if (event.kind == Kind::kClose) seen.code = event.close_code;
    if (event.kind == Kind::kViolation) {
      seen.code = upgraded() ? static_cast<unsigned>(close_code_of(event.violation))
                             : static_cast<unsigned>(http_status_of(event.violation));
    }
    ended_ = is_end(event.kind);
    if (event.kind == Kind::kRequest) {
      seen.payload = std::string(event.request->method) + ' ' + std::string(event.request->target) +
                     ' ' + std::string(event.request->body);
      answer(*event.request);
    }
    events_.push_back(seen);
    if (events_.size() == plan_.close_after && upgraded()) {
      WSD_ASSERT(session_.start_close(1000, "bye").has_value());
      WSD_ASSERT(!session_.start_close(1000, "bye").has_value());
      WSD_ASSERT(session_.close_expected() == (event.kind != Kind::kClose));
    }
  }

  [[nodiscard]] bool wants_body(const HttpRequest& request) const {
    return request.body_due() && request.content_length <= limits_.message.max_message_bytes;
  }

  void answer(const HttpRequest& request) {
    WSD_ASSERT(!session_.in_body());
    if (!request.body_read) {
      WSD_ASSERT(request.body.empty());
    } else if (request.chunked) {
      WSD_ASSERT(request.body.size() <= limits_.message.max_message_bytes);
    } else {
      WSD_ASSERT(request.body.size() == request.content_length);
    }
    if (check_handshake(request).violation == Violation::kNone) {
      upgrade();
      upgraded_ = true;
    } else if (wants_body(request)) {
      session_.read_body();
      WSD_ASSERT(session_.in_body());
    } else if (request.keep_alive && !request.body_due()) {
      session_.next_request();
    } else {
      session_.finish();
      ended_ = true;
    }
  }

  void check(const Event& event) const {
    const std::string_view payload = as_text(event.payload);
    switch (event.kind) {
      case Kind::kMessage:
        WSD_ASSERT(event.opcode == Opcode::kText || event.opcode == Opcode::kBinary);
        WSD_ASSERT(payload.size() <= limits_.message.max_message_bytes);
        WSD_ASSERT(event.opcode == Opcode::kBinary || judge_text(payload) == Text::kWhole);
        WSD_ASSERT(upgraded() && !session_.close_sent());
        break;
      case Kind::kPing:
      case Kind::kPong:
        WSD_ASSERT(payload.size() <= kMaxControlPayload && upgraded());
        break;
      case Kind::kClose:
        WSD_ASSERT(payload.size() <= 123 && judge_text(payload) == Text::kWhole);
        WSD_ASSERT(event.close_code == 0 ? payload.empty()
                                         : is_sendable_close_code(event.close_code));
        WSD_ASSERT(session_.close_received() && !session_.reading());
        break;
      case Kind::kViolation:
        WSD_ASSERT(event.violation != Violation::kNone && !session_.reading());
        break;
      case Kind::kRequest:
        WSD_ASSERT(!upgraded() && event.request != nullptr);
        break;
      case Kind::kNone:
      case Kind::kProxied:   // its limits do not ask for the header
      case Kind::kResponse:  // it has the server's role
      case Kind::kNoMemory:
        WSD_ASSERT(false);
    }
  }

  const Plan& plan_;
  std::size_t step_;
  SessionLimits limits_;
  DeflatePool pool_{1};
  Session session_;
  std::vector<Seen> events_;
  bool upgraded_ = false;
  bool ended_ = false;
};

// Reads a stream of frames by RFC 6455 and RFC 7692, without regard to splits, memory or speed.
// `seen` holds the events of the session. It is used only where zlib may accept or reject a
// distance.
class Twin {
 public:
  Twin(const Plan& plan, const MessageLimits& limits, const std::vector<Seen>& seen)
      : rest_(plan.stream), limits_(limits), close_after_(plan.close_after), seen_(seen) {
    if (plan.deflate) {
      inflater_.emplace(plan.deflate->client_max_window_bits,
                        !plan.deflate->client_no_context_takeover);
    }
    while (!ended_ && one_frame()) {
    }
  }
  [[nodiscard]] const std::vector<Seen>& events() const { return events_; }

 private:
  void emit(Kind kind, unsigned opcode, unsigned code, std::string payload) {
    events_.push_back({kind, opcode, code, std::move(payload)});
    ended_ = is_end(kind);
  }
  void violate(unsigned code) { emit(Kind::kViolation, 0, code, {}); }
  [[nodiscard]] bool close_sent() const {
    return close_after_ != 0 && events_.size() >= close_after_;
  }
  [[nodiscard]] unsigned byte(std::size_t at) const { return static_cast<std::uint8_t>(rest_[at]); }

  // Returns false at the end of the stream.
  bool one_frame() {
    if (rest_.size() < 2) return false;
    const bool fin = byte(0) >= 128;
    const unsigned opcode = byte(0) % 16;
    const unsigned code = byte(1) % 128;
    const bool control = opcode >= 8;
    const bool assigned = opcode <= 2 || (opcode >= 8 && opcode <= 10);
    const bool in_place = control || (opcode == 0) == open_;
    const bool rsv1 = byte(0) / 64 % 2 != 0;
    const bool compressed = rsv1 && inflater_ && (opcode == 1 || opcode == 2);
    if ((rsv1 && !compressed) || byte(0) / 16 % 4 != 0 || !assigned || byte(1) < 128 || !in_place ||
        (control && (!fin || code > 125))) {
      violate(1002);
      return true;
    }
    const std::size_t extended = code == 127 ? 8 : code == 126 ? 2 : 0;
    if (rest_.size() < 2 + extended + 4) return false;
    std::uint64_t length = extended == 0 ? code : 0;
    for (std::size_t i = 0; i < extended; ++i) length = length << 8 | byte(2 + i);
    if (length >> 63 != 0 || (extended == 2 && length < 126) || (extended == 8 && length < 65536)) {
      violate(1002);
      return true;
    }
    if (!control && !open_) compressed_ = compressed;
    const std::uint64_t limit =
        compressed_ ? compressed_limit(limits_.max_message_bytes) : limits_.max_message_bytes;
    if (!control && length > limit - message_.size()) {
      violate(1009);
      return true;
    }
    const std::string_view key = rest_.substr(2 + extended, 4);
    rest_.remove_prefix(2 + extended + 4);
    std::string payload(rest_.substr(0, length));
    const bool whole = payload.size() == length;
    rest_.remove_prefix(payload.size());
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    }
    if (!control) {
      data(opcode, fin, whole, length == 0, payload);
    } else if (whole) {
      control_frame(opcode, payload);
    }
    return whole;
  }

  void data(unsigned opcode, bool fin, bool whole, bool empty, const std::string& payload) {
    if (!open_) {
      open_ = true;
      opcode_ = opcode;
      message_.clear();
      fragments_ = empty_ = 0;
    }
    ++fragments_;
    if (empty) ++empty_;
    message_ += payload;
    if (fragments_ > limits_.max_fragments || empty_ > limits_.max_empty_fragments) {
      violate(1008);
      return;
    }
    const bool ends = fin && whole;
    if (compressed_ && (!ends || close_sent() || !inflate())) {
      open_ = open_ && !ends;
      if (ends) message_.clear();
      return;
    }
    const Text text = opcode_ == 1 ? judge_text(message_) : Text::kWhole;
    if (text == Text::kBad || (ends && text == Text::kOpen)) {
      violate(1007);
      return;
    }
    if (!ends) return;
    open_ = false;
    if (!close_sent()) emit(Kind::kMessage, opcode_, 0, message_);
    message_.clear();
  }

  // Replaces the compressed payload by the inflated one. Returns false if that is a violation.
  bool inflate() {
    const auto limit = static_cast<std::size_t>(limits_.max_message_bytes);
    SlowInflater::Result result = inflater_->message(message_, limit);
    const bool refused = seen_.size() > events_.size() && seen_[events_.size()].code == 1007;
    if (result.hardly_beyond && !refused) result = inflater_->message(message_, limit, true);
    message_ = result.plain;
    if (result.status != SlowInflater::Status::kOk) {
      violate(result.status == SlowInflater::Status::kTooBig ? 1009 : 1007);
    }
    return result.status == SlowInflater::Status::kOk;
  }

  void control_frame(unsigned opcode, const std::string& payload) {
    if (opcode != 8) {
      emit(opcode == 9 ? Kind::kPing : Kind::kPong, 0, 0, payload);
      return;
    }
    if (payload.empty()) {
      emit(Kind::kClose, 0, 0, {});
      return;
    }
    unsigned code = 0;
    if (payload.size() >= 2) {
      code = static_cast<std::uint8_t>(payload[0]) * 256U + static_cast<std::uint8_t>(payload[1]);
    }
    const bool known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                       (code >= 3000 && code <= 4999);
    if (!known) {
      violate(1002);
    } else if (judge_text(std::string_view(payload).substr(2)) != Text::kWhole) {
      violate(1007);
    } else {
      emit(Kind::kClose, 0, code, payload.substr(2));
    }
  }

  std::string_view rest_;
  const MessageLimits& limits_;
  std::size_t close_after_;
  const std::vector<Seen>& seen_;
  std::optional<SlowInflater> inflater_;
  std::vector<Seen> events_;
  std::string message_;
  bool compressed_ = false;
  unsigned opcode_ = 0;
  std::uint32_t fragments_ = 0;
  std::uint32_t empty_ = 0;
  bool open_ = false;
  bool ended_ = false;
};

void feed_in_cuts(Player& player, const Plan& plan, bool directly) {
  std::string_view rest = plan.stream;
  for (std::size_t i = 0; !rest.empty(); ++i) {
    // Without splits, byte by byte. A split of 0 is an empty input, once.
    std::size_t size = plan.cuts.empty() ? 1 : plan.cuts[i % plan.cuts.size()];
    if (size == 0 && i >= plan.cuts.size()) size = 1;
    const std::string_view piece = rest.substr(0, size);
    std::size_t taken = directly ? player.feed_directly(piece) : 0;
    if (taken == 0) {
      player.feed(piece);
      taken = piece.size();
    }
    rest.remove_prefix(taken);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto plan = read_plan(as_text({data, size}));
  if (!plan) return 0;
  Player whole(*plan);
  whole.feed(plan->stream);
  for (const bool directly : {false, true}) {
    Player cut(*plan, 1);  // each call of zlib in a step of its own
    feed_in_cuts(cut, *plan, directly);
    WSD_ASSERT(cut.events() == whole.events());
    WSD_ASSERT(cut.session().unfinished() == whole.session().unfinished());
    WSD_ASSERT(cut.session().close_received() == whole.session().close_received());
  }
  if (!plan->fresh) {
    const SessionLimits limits = plan->limits();
    const Twin twin(*plan, limits.message, whole.events());
    WSD_ASSERT(twin.events() == whole.events());
  }
  return 0;
}
