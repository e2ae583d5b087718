// One connection's protocol, without I/O and without time: bytes in, events out.
//
//   session.next(input, limits) is called with what was received until it returns kNone: it takes
//   bytes off the front of `input` and returns the next event. What it cannot use yet it keeps
//   itself, so that `input` is empty after kNone. Views in an event are valid until the next call.
//
// At rest it holds nothing: the limits, which are the same for all sessions, come with each call.
//
// A fresh session reads HTTP requests; upgrade() makes it read frames. What is to be sent is asked
// for by the caller, who knows what waits in the send queue: start_close() and close_reply() hand
// out a Close frame once at most, and a Ping event is answered with a Pong of its payload (§5.5.3).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ip_address.h"
#include "protocol/compression.h"
#include "protocol/frame_writer.h"
#include "protocol/http_request.h"
#include "protocol/mask.h"
#include "protocol/message_assembler.h"
#include "protocol/utf8.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct SessionLimits {
  HeadLimits head;
  MessageLimits message;
  bool proxy_header = false;  // a PROXY protocol header comes before the first request
};

struct Event {
  enum class Kind : std::uint8_t {
    kNone,       // all input is used up
    kProxied,    // the PROXY protocol header has come: see proxy_source()
    kRequest,    // a request head: answer with upgrade(), read_body(), defer(), next_request() or
                 // finish(); again, `request->body` filled, when the body asked for has come
    kMessage,    // a whole message: type by `opcode`, bytes in `payload`
    kPing,       // `payload` is to go back in a Pong
    kPong,       // `payload`
    kClose,      // the peer's Close: `close_code` (0: none given), reason in `payload`
    kViolation,  // the peer broke a rule: the session reads nothing more
    kNoMemory,   // a message found no memory: the session reads nothing more
  };

  Kind kind = Kind::kNone;
  Opcode opcode = Opcode::kContinuation;
  Violation violation = Violation::kNone;
  std::uint16_t close_code = 0;
  MutableBytes payload;
  const HttpRequest* request = nullptr;
};

// A whole message of at most 125 bytes, unmasked where it lay.
struct SmallMessage {
  Opcode opcode = Opcode::kContinuation;
  MutableBytes payload;
};

class Session {
 public:
  explicit Session(const SessionLimits& limits);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // The same limits in each call.
  [[nodiscard]] Event next(MutableBytes& input, const SessionLimits& limits);

  // The short way for what most frames are: a whole message of at most kMostSmall bytes, all of it
  // there, and nothing begun before. False: nothing was taken, and next() is to judge what comes.
  // What goes this way has no property of its own. Only while fast_path_ready(), which next_small()
  // leaves as it is, and where max_message_bytes is no less.
  static constexpr std::size_t kMostSmall = kMaxControlPayload;  // §5.2: a header of two bytes
  [[nodiscard]] bool fast_path_ready() const noexcept {
    return held_ == nullptr && phase_ == Phase::kFrames && !close_sent_;
  }
  [[nodiscard]] bool next_small(MutableBytes& input, SmallMessage& message) noexcept {
    WSD_DCHECK(fast_path_ready());
    constexpr std::size_t kHeaderBytes = 6;  // §5.2: two bytes and the masking key
    constexpr unsigned kFinalText = 0x81;    // FIN, no RSV, opcode 1; binary is one more
    constexpr unsigned kMask = 0x80;         // without it the length is above what is taken
    if (input.size() < kHeaderBytes) return false;
    std::uint8_t* const at = input.data();
    const unsigned kind = at[0] - kFinalText;
    const std::size_t size = at[1] ^ kMask;
    if (kind > 1 || size > kMostSmall || size > input.size() - kHeaderBytes) return false;
    const MutableBytes payload(at + kHeaderBytes, size);
    MaskingKey key;
    std::memcpy(key.data(), at + 2, key.size());
    if (kind == 0) {
      if (!unmask_text(payload, key)) return false;
    } else {
      apply_mask(payload, key);
    }
    message.opcode = static_cast<Opcode>(kind + 1);
    message.payload = payload;
    input = MutableBytes(at + kHeaderBytes + size, input.size() - kHeaderBytes - size);
    return true;
  }

  // At kProxied: whose connection it is, or nothing where the peer of its socket counts.
  [[nodiscard]] std::optional<IpEndpoint> proxy_source() const noexcept;

  // Answers to kRequest. After each of them the request's views are dead.
  void upgrade() noexcept;                                          // frames follow
  void upgrade(const DeflateParameters& terms, DeflatePool& pool);  // likewise, compressed or not
  void read_body();              // its Content-Length, above 0, is what follows
  void defer() noexcept;         // the answer comes later: what follows is kept until then
  void next_request() noexcept;  // another request follows on the same connection
  void finish() noexcept;        // nothing that follows is read
  // After next_request(): what was kept meanwhile, for next(). Empty when nothing was.
  [[nodiscard]] std::vector<std::uint8_t> take_pipelined() noexcept;
  // After finish(), when no view of an event is in use any more: gives back what is held.
  void release() noexcept;

  // Our Close frame, unless one was handed out before. Received messages are no longer reported
  // from then on; Pings still are (§5.5.1 forbids only data after Close, and the shell sends none).
  [[nodiscard]] std::optional<ControlFrame> start_close(std::uint16_t code,
                                                        std::string_view reason);

  // The peer's Close has come in (§7.1.3: with ours sent, the closing handshake is complete).
  [[nodiscard]] bool close_received() const noexcept { return close_received_; }
  [[nodiscard]] bool close_sent() const noexcept { return close_sent_; }
  // Null unless permessage-deflate was agreed on.
  [[nodiscard]] Compression* compression() const noexcept;
  // Our Close is out and the peer's is due: the shell arms its deadline.
  [[nodiscard]] bool close_expected() const noexcept { return close_sent_ && !close_received_; }
  // Whether it holds nothing at all.
  [[nodiscard]] bool at_rest() const noexcept { return held_ == nullptr; }
  // Whether the session still takes input.
  [[nodiscard]] bool reading() const noexcept { return phase_ != Phase::kFinished; }
  // Whether a request head or a message has begun and is not complete: a completion deadline is
  // due.
  [[nodiscard]] bool unfinished() const noexcept;
  // Whether that is a request body.
  [[nodiscard]] bool in_body() const noexcept;
  // Bytes held for the unfinished head, body or message.
  [[nodiscard]] std::size_t held_bytes() const noexcept;

  // Where to receive the payload of a large frame directly, sparing a copy; empty when the ordinary
  // read buffer is to be used. received_directly() must follow, then next() with empty input.
  [[nodiscard]] MutableBytes direct_buffer() noexcept;
  void received_directly(std::size_t count) noexcept;

 private:
  enum class Phase : std::uint8_t { kHttp, kFrames, kFinished };
  struct Head;     // an HTTP request on its way in
  struct Partial;  // a frame or a message on its way in
  struct Held;     // what is not there at rest

  // Unmasks a text in place. False where it is not UTF-8: then it is as it was.
  [[nodiscard]] static bool unmask_text(MutableBytes payload, MaskingKey key) noexcept {
    if (payload.size() > mask_detail::kMostShort) return unmask_long_text(payload, key);
    const auto word = std::bit_cast<std::uint32_t>(key);
    return mask_detail::apply_short(payload.data(), payload.size(), word) ||
           keep_utf8(payload, key);
  }
  [[nodiscard]] static bool unmask_long_text(MutableBytes payload, MaskingKey key) noexcept;
  [[nodiscard]] static bool keep_utf8(MutableBytes text, MaskingKey key) noexcept;

  [[nodiscard]] Event next_head(MutableBytes& input, const SessionLimits& limits);
  [[nodiscard]] Event next_proxy_header(MutableBytes& input);
  [[nodiscard]] Event continue_body(MutableBytes& input);
  [[nodiscard]] Event next_frame_event(MutableBytes& input, const MessageLimits& limits);
  [[nodiscard]] Held& held();
  [[nodiscard]] Partial* begun() const noexcept;
  void drop_partial() noexcept;
  void drop_if_empty() noexcept;
  [[nodiscard]] bool read_header(MutableBytes& input, FrameHeader& header, Violation& violation);
  void stash_header(MutableBytes& input);
  [[nodiscard]] Violation judge(const FrameHeader& header, const MessageLimits& limits);
  [[nodiscard]] Event whole_data(const FrameHeader& header, MutableBytes payload,
                                 const MessageLimits& limits);
  [[nodiscard]] Event control(const FrameHeader& header, MutableBytes payload);
  [[nodiscard]] bool begin_frame(const FrameHeader& header, const MessageLimits& limits);
  [[nodiscard]] Event continue_frame(MutableBytes& input, const MessageLimits& limits);
  [[nodiscard]] Event end_frame(const MessageLimits& limits);
  [[nodiscard]] Event inflate(Opcode opcode, Bytes compressed, const MessageLimits& limits);
  [[nodiscard]] Event fail(Violation violation);
  [[nodiscard]] Partial& partial();
  [[nodiscard]] bool in_message() const noexcept;
  void drop_idle_partial() noexcept;

  std::unique_ptr<Held> held_;
  Phase phase_ : 2 = Phase::kHttp;
  bool close_sent_ : 1 = false;
  bool close_received_ : 1 = false;
  bool message_handed_out_ : 1 = false;
};

}  // namespace wsd::protocol
