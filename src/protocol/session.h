// The protocol of one connection, without I/O and without time: bytes in, events out.
//
// Call session.next(input, limits) with the received bytes until it returns kNone. Each call
// removes bytes from the front of `input` and returns the next event. The session keeps bytes that
// it cannot use yet, so `input` is empty after kNone. Views in an event are valid until the next
// call.
//
// If the turn's share of decompressing is used up (DeflatePool::inflating), next() returns kNone in
// the middle of the input, and inflating() is true. The session then keeps the rest of the input.
// Call next() with empty input in a later step, and pass new input only when inflating() is false.
//
// An idle session holds no memory of its own. The limits are the same for all sessions, so each
// call passes them.
//
// A new session has the server's role and reads HTTP requests. After begin_client() it has the
// client's role and reads the server's response. After upgrade() it reads frames: masked ones of a
// client, or ones of a server, which must not be masked (§5.1). It sends nothing itself,
// because only the caller knows the state of the send queue. start_close() returns a Close frame at
// most once. The caller answers a Ping event with a Pong of the same payload (§5.5.3).
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
#include "protocol/http_response_reader.h"
#include "protocol/mask.h"
#include "protocol/masking_keys.h"
#include "protocol/message_assembler.h"
#include "protocol/utf8.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct SessionLimits {
  HeadLimits head;
  MessageLimits message;
  bool proxy_header = false;  // a PROXY protocol header precedes the first request
};

struct Event {
  enum class Kind : std::uint8_t {
    kNone,      // all input is used up
    kProxied,   // the PROXY protocol header is complete: see proxy_source()
    kResponse,  // the server's response, see response(): call upgrade() or finish()
    kRequest,   // a request head: call upgrade(), read_body(), defer(), next_request() or finish();
                // again, with `request->body`, when a requested body is complete
    kMessage,   // a whole message: type in `opcode`, bytes in `payload`
    kPing,      // send `payload` back in a Pong
    kPong,      // the Pong's `payload`
    kClose,     // the peer's Close: `close_code` (0: none given), reason in `payload`
    kViolation,  // the peer broke a rule; the session reads nothing more
    kNoMemory,   // out of memory for a message; the session reads nothing more
  };

  Kind kind = Kind::kNone;
  Opcode opcode = Opcode::kContinuation;
  Violation violation = Violation::kNone;
  std::uint16_t close_code = 0;
  MutableBytes payload;
  const HttpRequest* request = nullptr;
};

// A whole message of at most 125 bytes, unmasked in place.
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

  // Takes the client's role, before any input. `keys` must outlive the session.
  void begin_client(MaskingKeys& keys, const SessionLimits& limits);
  [[nodiscard]] bool is_client() const noexcept { return is_client_; }
  // At kResponse: the response, valid until upgrade() or finish().
  [[nodiscard]] const HttpResponse& response() const noexcept;

  // Returns the next event. Pass the same limits in each call.
  [[nodiscard]] Event next(MutableBytes& input, const SessionLimits& limits);

  // The fast path for most messages: at most kMostSmall bytes, complete in `input`, with no frame
  // or message begun before. It accepts only messages that cannot break a rule. If it returns
  // false, it has used no input, and next() must handle the bytes. Call it only while
  // fast_path_ready(), which it does not change, and if max_message_bytes is at least kMostSmall.
  static constexpr std::size_t kMostSmall = kMaxControlPayload;  // §5.2: a header of two bytes
  [[nodiscard]] bool fast_path_ready() const noexcept {
    return held_ == nullptr && phase_ == Phase::kFrames && !close_sent_;
  }
  [[nodiscard]] bool next_small(MutableBytes& input, SmallMessage& message) noexcept {
    WSD_DCHECK(fast_path_ready());
    constexpr std::size_t kHeaderBytes = 6;  // §5.2: two bytes and the masking key
    constexpr unsigned kFinalText = 0x81;    // FIN, no RSV, opcode 1; binary is one more
    constexpr unsigned kMask = 0x80;         // without this bit, `size` exceeds kMostSmall
    constexpr unsigned kOpcodeBits = 0x0F;
    if (input.size() < kHeaderBytes) return false;
    std::uint8_t* const at = input.data();
    const unsigned kind = at[0] - kFinalText;
    const std::size_t size = at[1] ^ kMask;
    const std::size_t total = kHeaderBytes + size;
    if (kind > 1 || size > kMostSmall || total > input.size()) return false;
    const MutableBytes payload(at + kHeaderBytes, size);
    MaskingKey key;
    std::memcpy(key.data(), at + 2, key.size());
    if (kind == 0) {
      if (!unmask_text(payload, key)) return false;
    } else {
      apply_mask(payload, key);
    }
    message.opcode = static_cast<Opcode>(at[0] & kOpcodeBits);  // read again: a register less
    message.payload = payload;
    input = MutableBytes(at + total, input.size() - total);
    return true;
  }

  // At kProxied: the client that the header reports, or std::nullopt if the socket's own peer is
  // the client.
  [[nodiscard]] std::optional<IpEndpoint> proxy_source() const noexcept;

  // The answers to kRequest. Each of them invalidates the request's views.
  void upgrade() noexcept;                                          // frames follow
  void upgrade(const DeflateParameters& terms, DeflatePool& pool);  // frames, compressed or not
  void read_body();       // a body is due: it follows, of at most max_message_bytes
  void defer() noexcept;  // the response comes later; until then, input is kept
  // Before defer(): keeps a copy of the request's head, so that request() stays valid.
  void keep_head();
  // After defer(), instead of next_request(): the next call is upgrade(). Until then,
  // take_pipelined() returns the bytes that were kept.
  void resume() noexcept;
  void next_request() noexcept;  // another request follows on this connection
  void finish() noexcept;        // all further input is ignored
  // After keep_head(), until the response: returns the request.
  [[nodiscard]] const HttpRequest& request() const noexcept;
  // After next_request() or resume(): returns the pipelined bytes that were kept meanwhile, to pass
  // to next(). Empty if there are none.
  [[nodiscard]] std::vector<std::uint8_t> take_pipelined() noexcept;
  // After finish(), when the caller uses no view of an event any more: frees the session's memory.
  void release() noexcept;

  // Returns a control frame as this role sends it: a client's is masked. `payload` has at most
  // kMaxControlPayload bytes.
  [[nodiscard]] ControlFrame control_frame(Opcode opcode, Bytes payload);
  // Client's role: returns the key for the next frame.
  [[nodiscard]] MaskingKey next_key() noexcept;

  // Returns our Close frame, or std::nullopt if it was returned before. Messages received after
  // this call are not reported, but Pings still are: §5.5.1 forbids only data after Close, and the
  // caller sends none.
  [[nodiscard]] std::optional<ControlFrame> start_close(std::uint16_t code,
                                                        std::string_view reason);

  // Returns whether the peer's Close was received. (§7.1.3: if ours was sent too, the closing
  // handshake is complete.)
  [[nodiscard]] bool close_received() const noexcept { return close_received_; }
  [[nodiscard]] bool close_sent() const noexcept { return close_sent_; }
  // Null unless permessage-deflate was agreed on.
  [[nodiscard]] Compression* compression() const noexcept;
  // Returns whether our Close was sent and the peer's is missing. The caller then sets its
  // deadline.
  [[nodiscard]] bool close_expected() const noexcept { return close_sent_ && !close_received_; }
  // Returns whether a complete message, and the input after it, wait for a share of decompressing.
  [[nodiscard]] bool inflating() const noexcept;
  // Returns whether the session holds no memory.
  [[nodiscard]] bool at_rest() const noexcept { return held_ == nullptr; }
  // Returns whether the session still reads input.
  [[nodiscard]] bool reading() const noexcept { return phase_ != Phase::kFinished; }
  // Returns whether the PROXY protocol header is missing or incomplete.
  [[nodiscard]] bool awaits_proxy_header() const noexcept;
  // Returns whether a request head or a message is incomplete, so that a completion deadline is
  // needed.
  [[nodiscard]] bool unfinished() const noexcept;
  // Returns whether the current request, which may be incomplete or bad, is HEAD: the response to
  // it has no body.
  [[nodiscard]] bool asks_head() const noexcept;
  // Returns whether the incomplete part is a request body.
  [[nodiscard]] bool in_body() const noexcept;
  // Bytes of memory held for the incomplete head, body or message, and for a message that is not
  // decompressed yet.
  [[nodiscard]] std::size_t held_bytes() const noexcept;

  // Returns memory to receive the payload of a large frame directly, which saves a copy. Empty if
  // the caller must use the ordinary read buffer. Otherwise received_directly() must follow, then
  // next() with empty input.
  [[nodiscard]] MutableBytes direct_buffer() noexcept;
  void received_directly(std::size_t count) noexcept;

 private:
  enum class Phase : std::uint8_t { kHttp, kFrames, kFinished };
  struct Head;     // an incomplete HTTP request
  struct Client;   // the client's role
  struct Partial;  // an incomplete frame or message
  struct Held;     // state that an idle session does not have

  // Unmasks a text in place. If it is not UTF-8, returns false and restores the masked bytes.
  [[nodiscard]] static bool unmask_text(MutableBytes payload, MaskingKey key) noexcept {
    if (payload.size() > mask_detail::kMostShort) return unmask_long_text(payload, key);
    const auto word = std::bit_cast<std::uint32_t>(key);
    return mask_detail::apply_short(payload.data(), payload.size(), word) == 0 ||
           keep_utf8(payload, key);
  }
  [[nodiscard]] static bool unmask_long_text(MutableBytes payload, MaskingKey key) noexcept;
  [[nodiscard]] static bool keep_utf8(MutableBytes text, MaskingKey key) noexcept;

  [[nodiscard]] Event next_head(MutableBytes& input, const SessionLimits& limits);
  [[nodiscard]] Event next_response(MutableBytes& input);
  [[nodiscard]] Event next_proxy_header(MutableBytes& input);
  [[nodiscard]] Event continue_body(MutableBytes& input, const MessageLimits& limits);
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
  [[nodiscard]] Event inflated(Opcode opcode, Inflater::Status status, bool text_valid);
  [[nodiscard]] Event next_kept(const MessageLimits& limits);
  [[nodiscard]] Event fail(Violation violation);
  [[nodiscard]] Partial& partial();
  [[nodiscard]] bool in_message() const noexcept;
  void drop_idle_partial() noexcept;

  std::unique_ptr<Held> held_;
  Phase phase_ : 2 = Phase::kHttp;
  bool close_sent_ : 1 = false;
  bool close_received_ : 1 = false;
  bool message_handed_out_ : 1 = false;
  bool is_client_ : 1 = false;
};

}  // namespace wsd::protocol
