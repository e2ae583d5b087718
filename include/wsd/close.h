// Close codes (RFC 6455 §7.4) and the causes for which wsd ends a connection.
#pragma once

#include <cstdint>
#include <string_view>

namespace wsd {

// The codes of RFC 6455 §7.4.1 and the IANA "WebSocket Close Code Number Registry".
// Applications may also use any value in 3000..4999 (§7.4.2).
enum class CloseCode : std::uint16_t {
  kNormalClosure = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupportedData = 1003,
  kNoStatus = 1005,         // never on the wire: a Close frame without a body
  kAbnormalClosure = 1006,  // never on the wire: TCP ended without a Close frame
  kInvalidPayload = 1007,
  kPolicyViolation = 1008,
  kMessageTooBig = 1009,
  kMandatoryExtension = 1010,
  kInternalError = 1011,
  kServiceRestart = 1012,
  kTryAgainLater = 1013,
  kBadGateway = 1014,
};

// Why a connection ended. The cause decides the close code, the log field `cause` and the metric
// label. A number in a comment is the close code or HTTP status that the peer gets.
enum class CloseCause : std::uint8_t {
  kPeerClosed,         // the peer sent a Close frame first
  kApplicationClosed,  // the application called close()
  kProtocolError,      // 1002
  kInvalidPayload,     // 1007, text or a close reason that is not UTF-8
  kMessageTooBig,      // 1009
  kPolicyViolation,    // 1008, too many fragments or control frames
  kHandlerError,       // 1011, an application handler threw an exception
  kPongTimeout,        // 1011, the peer sent nothing within pong_timeout_ms after a Ping
  kReadTimeout,        // 1008, the peer sent nothing for read_timeout_ms
  kMessageTimeout,     // 1008, a message was not complete within message_timeout_ms
  kWriteTimeout,       // 1008, the peer accepted no byte for write_timeout_ms
  kSlowConsumer,       // 1008, a message exceeded the send queue's limit
  kInputBudget,        // 1013, the process holds too many bytes of incomplete messages
  kOutputBudget,    // the process holds too many bytes in send queues, and this one is the largest
  kRateLimit,       // 1008, more messages or bytes per second than one connection may send
  kRoomLimit,       // 1008, a join beyond a limit on rooms; 1011, the engine cannot open the room
  kPublishRefused,  // 1013, the history log or the engine has not kept a message of the peer
  kAddressLimit,    // 429, too many connections or handshakes from the peer's address
  kCloseTimeout,    // the peer did not answer our Close frame in time
  kHandshakeRejected,  // the opening handshake was rejected with an HTTP status
  kHandshakeTimeout,   // the request head was not complete in time
  kHttpDone,           // a plain HTTP exchange ended according to HTTP/1.1
  kDrain,              // 1001, the server is going away
  kReset,              // ECONNRESET, EPIPE or ETIMEDOUT
  kEof,                // the peer closed TCP without a Close frame
  kServerStopped,      // force-closed at the drain timeout or by stop()
  kOverload,           // 503, max_connections reached
  kResourceFailure,    // out of memory or out of descriptors
  kProbe,              // the peer closed TCP before it sent a byte: a health check, a port scan
  kProxyHeader,        // no valid PROXY protocol header of a trusted proxy came first
};

// The number of causes, for tables indexed by cause.
inline constexpr int kCloseCauseCount = static_cast<int>(CloseCause::kProxyHeader) + 1;

// Returns the stable lower-case name used in logs and metrics, for example "slow_consumer". Any
// thread.
[[nodiscard]] std::string_view close_cause_name(CloseCause cause) noexcept;

// Returns the code that the server's Close frame carries for `cause`, or kNoStatus if the server
// sends no Close frame. Any thread.
[[nodiscard]] CloseCode close_code_for(CloseCause cause) noexcept;

// Returns true if an endpoint may send `code` in a Close frame: the assigned codes of the IANA
// registry and 3000..4999 (RFC 6455 §7.4.1, §7.4.2). Any thread.
[[nodiscard]] bool is_sendable_close_code(std::uint16_t code) noexcept;

}  // namespace wsd
