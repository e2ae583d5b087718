// Feeds a session in the client's role with a server's response and frames. Whole, cut and byte by
// byte the stream must give the same events.
//
// Input: options (tight limits, compression, an open session instead of a handshake), the event
// after which our Close is sent (0: never), how many splits (modulo 16), their sizes, the stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "fuzz_input.h"
#include "protocol/client_handshake.h"
#include "protocol/deflate.h"
#include "protocol/masking_keys.h"
#include "protocol/session.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT
using Kind = Event::Kind;

struct Plan {
  SessionLimits limits;
  bool compressed = false;
  bool open = false;
  std::size_t close_after = 0;
  std::vector<std::size_t> cuts;
  Bytes stream;
};

struct Seen {
  Kind kind = Kind::kNone;
  unsigned opcode = 0;
  unsigned code = 0;  // of a Close, a response or a violation
  std::string payload;
  bool operator==(const Seen&) const = default;
};

class Run {
 public:
  explicit Run(const Plan& plan) : plan_(plan), session_(plan.limits), pool_(1) {
    session_.begin_client(keys_, plan.limits);
    if (plan_.open) upgrade();
  }

  void feed(Bytes bytes) {
    std::vector<std::uint8_t> block(bytes.begin(), bytes.end());
    MutableBytes input(block);
    do {
      pool_.end_turn(false);
      pool_.begin_inflating();
      for (;;) {
        const Event event = session_.next(input, plan_.limits);
        if (event.kind == Kind::kNone) break;
        note(event);
      }
      WSD_ASSERT(input.empty());
    } while (session_.inflating());
    if (!session_.reading()) session_.release();
    WSD_ASSERT(session_.held_bytes() <= plan_.limits.head.max_head_bytes * 2 +
                                            plan_.limits.message.max_message_bytes * 3 + 4096);
  }

  std::vector<Seen> events;

 private:
  void upgrade() {
    if (plan_.compressed) {
      session_.upgrade(DeflateParameters{}, pool_);
    } else {
      session_.upgrade();
    }
  }

  void note(const Event& event) {
    WSD_ASSERT(!ended_);
    Seen seen{event.kind, static_cast<unsigned>(event.opcode), event.close_code,
              std::string(as_text(event.payload))};
    switch (event.kind) {
      case Kind::kResponse:
        seen.code = static_cast<unsigned>(session_.response().status);
        on_response(session_.response());
        break;
      case Kind::kViolation:
        seen.code = static_cast<unsigned>(event.violation);
        WSD_ASSERT(!violation_text(event.violation).empty());
        ended_ = true;
        break;
      case Kind::kMessage:
        WSD_ASSERT(event.payload.size() <= plan_.limits.message.max_message_bytes);
        WSD_ASSERT(event.opcode != Opcode::kText || is_utf8(event.payload));
        break;
      case Kind::kClose:
        ended_ = true;
        break;
      case Kind::kPing:
      case Kind::kPong:
        WSD_ASSERT(event.payload.size() <= kMaxControlPayload);
        break;
      case Kind::kNone:
      case Kind::kProxied:
      case Kind::kRequest:
      case Kind::kNoMemory:
        WSD_ASSERT(false);
    }
    events.push_back(std::move(seen));
    if (events.size() == plan_.close_after) static_cast<void>(session_.start_close(1000, "bye"));
  }

  void on_response(const HttpResponse& response) {
    WSD_ASSERT(response.status >= 101 && response.status <= 599);
    const ClientOffer offer{
        .key = "dGhlIHNhbXBsZSBub25jZQ==", .subprotocols = {"chat"}, .deflate = plan_.compressed};
    const ClientAgreement agreement = check_response(response, offer);
    if (response.status == 101 && agreement.violation == Violation::kNone) {
      WSD_ASSERT(agreement.subprotocol.empty() || agreement.subprotocol == "chat");
      upgrade();
    } else {
      session_.finish();
      ended_ = true;
    }
  }

  const Plan& plan_;
  MaskingKeys keys_;
  Session session_;
  DeflatePool pool_;
  bool ended_ = false;
};

std::vector<Seen> run_cut(const Plan& plan, bool bytewise) {
  Run run(plan);
  Bytes rest = plan.stream;
  for (std::size_t i = 0; !rest.empty(); ++i) {
    std::size_t size = bytewise ? 1 : i < plan.cuts.size() ? plan.cuts[i] : rest.size();
    size = std::min(size, rest.size());
    run.feed(rest.first(size));
    rest = rest.subspan(size);
  }
  return run.events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FuzzInput input(data, size);
  Plan plan;
  const unsigned options = input.byte();
  if ((options & 1) != 0) {
    plan.limits.head = {.max_request_line_bytes = 40,
                        .max_head_bytes = 200,
                        .max_field_bytes = 60,
                        .max_fields = 6};
    plan.limits.message = {.max_message_bytes = 40, .max_fragments = 5, .max_empty_fragments = 2};
  } else {
    plan.limits.message.max_message_bytes = std::size_t{1} << 16;
  }
  plan.compressed = (options & 2) != 0 && have_deflate();
  plan.open = (options & 4) != 0;
  plan.close_after = input.byte();
  const std::size_t cuts = input.byte() % 16;
  for (std::size_t i = 0; i < cuts; ++i) plan.cuts.push_back(input.byte());
  plan.stream = input.rest();
  Run whole(plan);
  whole.feed(plan.stream);
  WSD_ASSERT(run_cut(plan, false) == whole.events);
  if (plan.stream.size() <= 1024) WSD_ASSERT(run_cut(plan, true) == whole.events);
  return 0;
}
