// Close codes (RFC 6455 §7.4) and the causes for which wsd ends a connection.
#pragma once

#include <cstdint>
#include <string_view>

namespace wsd {

// The codes of RFC 6455 §7.4.1 and the IANA "WebSocket Close Code Number Registry".
// Applications may use any value in 3000..4999 besides these (§7.4.2).
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

// Why a connection ended. Closed set: it decides the close code, the log field `cause` and the
// metric label. Any thread.
enum class CloseCause : std::uint8_t {
  kPeerClosed,         // the peer sent a Close frame first
  kApplicationClosed,  // the application called close()
  kProtocolError,      // 1002
  kInvalidPayload,     // 1007, text or close reason that is not UTF-8
  kMessageTooBig,      // 1009
  kPolicyViolation,    // 1008, too many fragments, ping flood
  kHandlerError,       // 1011, an application handler threw
  kPongTimeout,        // 1011, silent after a ping
  kReadTimeout,        // 1008, silent for read_timeout_ms
  kMessageTimeout,     // 1008, a message was not completed in time
  kWriteTimeout,       // 1008, the peer took no byte for write_timeout_ms
  kSlowConsumer,       // 1008, the send queue reached its bound
  kInputBudget,        // 1013, the process holds too many bytes of unfinished messages
  kRateLimit,          // 1008, more messages or bytes a second than one connection may send
  kRoomLimit,          // 1008, a join beyond max_rooms_per_connection or max_rooms
  kAddressLimit,       // 429, too many connections or handshakes from the peer's address
  kCloseTimeout,       // our Close frame was not answered in time
  kHandshakeRejected,  // the opening handshake was refused with an HTTP status
  kHandshakeTimeout,   // the request head was not complete in time
  kHttpDone,           // a plain HTTP exchange ended as HTTP/1.1 says
  kDrain,              // 1001, the server is going away
  kReset,              // ECONNRESET, EPIPE, ETIMEDOUT
  kEof,                // the peer ended TCP without a Close frame
  kServerStopped,      // cut at the end of the drain timeout
  kOverload,           // 503, max_connections reached
  kResourceFailure,    // memory or descriptors ran out
  kProxyHeader,        // no valid PROXY protocol header of a trusted proxy came first
};

// How many there are, for tables by cause.
inline constexpr int kCloseCauseCount = static_cast<int>(CloseCause::kProxyHeader) + 1;

// The stable lower-case name used in logs and metrics, e.g. "slow_consumer". Any thread.
[[nodiscard]] std::string_view close_cause_name(CloseCause cause) noexcept;

// The code that a Close frame of ours carries for `cause`; kNoStatus where no frame is sent.
// Any thread.
[[nodiscard]] CloseCode close_code_for(CloseCause cause) noexcept;

// Whether an endpoint may put `code` into a Close frame: the assigned codes of the IANA registry
// and 3000..4999 (RFC 6455 §7.4.1, §7.4.2). Any thread.
[[nodiscard]] bool is_sendable_close_code(std::uint16_t code) noexcept;

}  // namespace wsd
