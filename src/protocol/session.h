// One connection's protocol, without I/O and without time: bytes in, events out.
//
//   session.next(input) is called with what was received until it returns kNone: it takes bytes off
//   the front of `input` and returns the next event. What it cannot use yet it keeps itself, so
//   that `input` is empty after kNone. Views in an event are valid until the next call.
//
// A fresh session reads HTTP requests; upgrade() makes it read frames. What is to be sent is asked
// for by the caller, who knows what waits in the send queue: start_close() and close_reply() hand
// out a Close frame once at most, and a Ping event is answered with a Pong of its payload (§5.5.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "protocol/compression.h"
#include "protocol/frame_writer.h"
#include "protocol/http_request.h"
#include "protocol/message_assembler.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct SessionLimits {
  HeadLimits head;
  MessageLimits message;
};

struct Event {
  enum class Kind : std::uint8_t {
    kNone,       // all input is used up
    kRequest,    // a request head: answer with upgrade(), next_request() or finish()
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

class Session {
 public:
  // `limits` outlives the session.
  explicit Session(const SessionLimits& limits);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  [[nodiscard]] Event next(MutableBytes& input) {
    Event event;
    if (between_frames() && small_message(input, event)) return event;
    return next_of_any(input);
  }

  // Answers to kRequest. After each of them the request's views are dead.
  void upgrade() noexcept;                                     // frames follow
  void upgrade(const DeflateTerms& terms, DeflatePool& pool);  // likewise, compressed or not
  void next_request() noexcept;  // another request follows on the same connection
  void finish() noexcept;        // nothing that follows is read
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
  [[nodiscard]] Compression* compression() const noexcept { return compression_.get(); }
  // Our Close is out and the peer's is due: the shell arms its deadline.
  [[nodiscard]] bool close_expected() const noexcept { return close_sent_ && !close_received_; }
  // Whether it reads frames and holds nothing of any: next() without input would say kNone.
  [[nodiscard]] bool between_frames() const noexcept {
    return partial_ == nullptr && phase_ == Phase::kFrames;
  }
  // Whether the session still takes input.
  [[nodiscard]] bool reading() const noexcept { return phase_ != Phase::kFinished; }
  // Whether a request head or a message has begun and is not complete: a completion deadline is
  // due.
  [[nodiscard]] bool unfinished() const noexcept;
  // Bytes held for the unfinished head or message.
  [[nodiscard]] std::size_t held_bytes() const noexcept;

  // Where to receive the payload of a large frame directly, sparing a copy; empty when the ordinary
  // read buffer is to be used. received_directly() must follow, then next() with empty input.
  [[nodiscard]] MutableBytes direct_buffer() noexcept;
  void received_directly(std::size_t count) noexcept;

 private:
  enum class Phase : std::uint8_t { kHttp, kFrames, kFinished };
  struct Head;     // an HTTP request on its way in
  struct Partial;  // a frame or a message on its way in

  [[nodiscard]] Event next_of_any(MutableBytes& input);
  [[nodiscard]] Event next_head(MutableBytes& input);
  [[nodiscard]] Event next_frame_event(MutableBytes& input);
  [[nodiscard]] bool small_message(MutableBytes& input, Event& event);
  [[nodiscard]] bool read_header(MutableBytes& input, FrameHeader& header, Violation& violation);
  void stash_header(MutableBytes& input);
  [[nodiscard]] Violation judge(const FrameHeader& header);
  [[nodiscard]] Event whole_data(const FrameHeader& header, MutableBytes payload);
  [[nodiscard]] Event control(const FrameHeader& header, MutableBytes payload);
  [[nodiscard]] bool begin_frame(const FrameHeader& header);
  [[nodiscard]] Event continue_frame(MutableBytes& input);
  [[nodiscard]] Event end_frame();
  [[nodiscard]] Event inflate(Opcode opcode, Bytes compressed);
  [[nodiscard]] Event fail(Violation violation);
  [[nodiscard]] Partial& partial();
  [[nodiscard]] bool in_message() const noexcept;
  void drop_idle_partial() noexcept;

  const SessionLimits* limits_;
  std::unique_ptr<Head> head_;
  std::unique_ptr<Partial> partial_;
  std::unique_ptr<Compression> compression_;
  Phase phase_ = Phase::kHttp;
  bool close_sent_ = false;
  bool close_received_ = false;
  bool message_handed_out_ = false;
};

}  // namespace wsd::protocol
