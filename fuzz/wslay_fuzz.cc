// Compares a session with wslay, an implementation with other code and other authors. For the same
// frames both must report the same messages and control frames, and end in the same way.
//
// Input: how many splits (modulo 16), their sizes, then the stream of frames. Wslay gets the stream
// in one piece, because it checks the reason of a Close wrongly if it arrives in several. It then
// skips the first two bytes of each piece.
#include <wslay/wslay.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "fuzz_input.h"
#include "protocol/session.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT

constexpr std::size_t kLimit = 600;    // message limit, low enough for inputs to reach it
constexpr std::size_t kStream = 3900;  // with the filling, smaller than wslay's buffer: one piece
constexpr std::size_t kFilling = kMaxFrameHeaderBytes + kMaxControlPayload;
constexpr unsigned kProtocolError = 1002;

struct Seen {
  unsigned opcode = 0;  // 0: a violation
  unsigned code = 0;    // of a Close (0: none), or of the answer to a violation
  std::string payload;
  bool operator==(const Seen&) const = default;
};

struct Ours {
  std::vector<Seen> events;
  Violation violation = Violation::kNone;
};

Ours run_ours(std::string_view stream, const std::vector<std::size_t>& cuts) {
  SessionLimits limits;
  limits.message.max_message_bytes = kLimit;
  Session session(limits);
  session.upgrade();
  Ours ours;
  for (std::size_t i = 0; !stream.empty(); ++i) {
    std::size_t size = cuts.empty() ? stream.size() : cuts[i % cuts.size()];
    if (size == 0 && i >= cuts.size()) size = 1;
    const std::string_view piece = stream.substr(0, size);
    stream.remove_prefix(piece.size());
    std::vector<std::uint8_t> block(as_bytes(piece).begin(), as_bytes(piece).end());
    MutableBytes input(block);
    for (;;) {
      const Event event = session.next(input, limits);
      if (event.kind == Event::Kind::kNone) break;
      Seen seen{.payload = std::string(as_text(event.payload))};
      if (event.kind == Event::Kind::kViolation) {
        ours.violation = event.violation;
        seen.code = static_cast<unsigned>(close_code_of(event.violation));
      } else {
        seen.opcode = static_cast<unsigned>(event.opcode);
        seen.code = event.close_code;
      }
      ours.events.push_back(std::move(seen));
    }
  }
  return ours;
}

class Wslay {
 public:
  explicit Wslay(std::string_view stream) : rest_(stream) {
    wslay_event_callbacks callbacks = {};
    callbacks.recv_callback = &receive;
    callbacks.send_callback = &send;
    callbacks.on_msg_recv_callback = &on_message;
    WSD_ASSERT(wslay_event_context_server_init(&context_, &callbacks, this) == 0);
    wslay_event_config_set_max_recv_msg_length(context_, kLimit);
    // A negative result means that the peer broke the framing. A Close is queued nevertheless.
    static_cast<void>(wslay_event_recv(context_));
    WSD_ASSERT(wslay_event_send(context_) == 0);
    if (wslay_event_get_close_sent(context_) != 0 && !closed_) {
      const unsigned code = wslay_event_get_status_code_sent(context_);
      // wslay ends with an empty Close if a header is invalid in itself.
      events.push_back(
          {.code = code == WSLAY_CODE_NO_STATUS_RCVD ? kProtocolError : code, .payload = {}});
    }
    wslay_event_context_free(context_);
  }
  Wslay(const Wslay&) = delete;
  Wslay& operator=(const Wslay&) = delete;

  std::vector<Seen> events;

 private:
  static ssize_t receive(wslay_event_context_ptr context, std::uint8_t* buffer, std::size_t size,
                         int /*flags*/, void* user) {
    auto& self = *static_cast<Wslay*>(user);
    const std::string_view piece = self.rest_.substr(0, size);
    if (piece.empty()) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    self.rest_.remove_prefix(piece.size());
    std::copy(piece.begin(), piece.end(), buffer);
    return static_cast<ssize_t>(piece.size());
  }
  static ssize_t send(wslay_event_context_ptr /*context*/, const std::uint8_t* /*data*/,
                      std::size_t size, int /*flags*/, void* /*user*/) {
    return static_cast<ssize_t>(size);
  }
  static void on_message(wslay_event_context_ptr /*context*/,
                         const wslay_event_on_msg_recv_arg* message, void* user) {
    auto& self = *static_cast<Wslay*>(user);
    std::string payload(as_text(Bytes(message->msg, message->msg_length)));
    Seen seen{.opcode = message->opcode, .payload = payload};
    if (message->opcode == WSLAY_CONNECTION_CLOSE) {
      self.closed_ = true;
      seen.code = message->status_code;
      seen.payload.erase(0, 2);
      // wslay accepts a Close with a body of one byte. RFC 6455 §5.5.1 requires two bytes at its
      // start.
      if (payload.size() == 1) seen = {.code = kProtocolError, .payload = {}};
    }
    self.events.push_back(std::move(seen));
  }

  std::string_view rest_;
  wslay_event_context_ptr context_ = nullptr;
  bool closed_ = false;
};

// The codes that IANA's registry gained after wslay's list was written.
bool newer_code(unsigned code) { return code >= 1012 && code <= 1014; }

void check_same(const Ours& ours, std::vector<Seen> theirs) {
  if (!ours.events.empty() && ours.events.size() == theirs.size()) {
    const Seen& last = ours.events.back();
    Seen& their_last = theirs.back();
    if (last.opcode == WSLAY_CONNECTION_CLOSE && newer_code(last.code) &&
        their_last == Seen{.code = kProtocolError, .payload = {}}) {
      their_last = last;
    }
    // For a Close with a bad code and a bad reason, wslay reports the reason first.
    if (ours.violation == Violation::kBadCloseCode && their_last.code == 1007) {
      their_last.code = kProtocolError;
    }
  }
  WSD_ASSERT(ours.events == theirs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FuzzInput input(data, size);
  std::vector<std::size_t> cuts(input.byte() % 16);
  for (std::size_t& cut : cuts) cut = input.byte();
  std::string stream(as_text(input.rest()).substr(0, kStream));
  // We reject a bad header at its first two bytes, but wslay only after the rest and a byte of
  // payload. We check a Close when it is complete, but wslay rejects it at the first bad byte of
  // its reason. This filling completes any of them.
  stream.append(kFilling, '\0');
  const Wslay theirs(stream);
  const Ours whole = run_ours(stream, {});
  check_same(whole, theirs.events);
  const Ours cut = run_ours(stream, cuts.empty() ? std::vector<std::size_t>{1} : cuts);
  WSD_ASSERT(cut.events == whole.events && cut.violation == whole.violation);
  return 0;
}
