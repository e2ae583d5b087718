// Every setting of a server, with its unit and its default. Values, copied by Server at start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wsd/log.h"

namespace wsd {

// Liveness of open connections. Any received byte is life. After ping_interval_ms of silence a Ping
// is sent; if the silence lasts another pong_timeout_ms the connection ends with kPongTimeout.
// read_timeout_ms is the longest silence allowed whatever else is set (kReadTimeout). 0 turns a
// setting off. With pings on, read_timeout_ms must be 0 or at least
// ping_interval_ms + pong_timeout_ms: check_options() refuses anything else.
struct HeartbeatOptions {
  std::uint32_t ping_interval_ms = 25'000;
  std::uint32_t pong_timeout_ms = 20'000;
  std::uint32_t read_timeout_ms = 60'000;
};

// What happens to a message for a connection whose send queue is at its bound.
enum class SlowPolicy : std::uint8_t {
  kDisconnect,  // close 1008 with a reason, cause kSlowConsumer
  kDropNewest,  // the message that does not fit is dropped
  kDropOldest,  // whole queued messages are dropped, oldest first, until it fits
  // For rooms (RoomRule) alone: while a connection has anything queued, each message takes the
  // place of the one of its room that waits there, whether the bound is met or not. So a slow
  // member gets the newest message, and never an older one after it. Where the queue has no place
  // even for that one, LimitOptions::slow_policy decides.
  kLatestOnly,
};

// What one connection, one message and the process may take.
struct LimitOptions {
  std::size_t max_message_bytes = std::size_t{16} << 20;
  std::uint32_t max_fragments = 131'072;               // per message, empty ones included
  std::uint32_t max_empty_fragments = 1'024;           // per message, in addition to max_fragments
  std::uint32_t max_connections = 0;                   // 0: bounded by the open-file limit alone
  std::size_t max_input_bytes = std::size_t{1} << 30;  // unfinished messages, whole process

  // Control frames taken from one peer within one second; above it the connection ends with
  // kPolicyViolation. At most 1,000,000; 0: unlimited.
  std::uint32_t max_control_frames_per_second = 100'000;

  std::size_t send_queue_bytes = std::size_t{1} << 20;  // per connection
  std::uint32_t send_queue_frames = 16'384;             // per connection
  SlowPolicy slow_policy = SlowPolicy::kDisconnect;
  std::uint32_t max_pending_publishes = 65'536;  // publishes waiting for one reactor

  // HTTP request head (RFC 9112 §3, RFC 6585 §5).
  std::size_t max_request_line_bytes = std::size_t{8} << 10;
  std::size_t max_head_bytes = std::size_t{16} << 10;
  std::size_t max_field_bytes = std::size_t{8} << 10;
  std::uint32_t max_fields = 100;

  std::uint32_t message_timeout_ms = 120'000;  // first byte to last byte of one message
  std::uint32_t write_timeout_ms = 30'000;     // with bytes queued and none taken by the peer
  std::uint32_t close_timeout_ms = 5'000;      // our Close frame to the peer's
};

// The opening handshake (RFC 6455 §4.2).
struct UpgradeOptions {
  // Origins that may connect beside the same-origin rule: "https://app.example.com" exactly
  // (scheme, host, port), "https://*.example.com" for every host with one or more labels in front
  // (never "example.com" itself), or "*" for all. Absent Origin always passes (§10.2: not a
  // browser).
  std::vector<std::string> allowed_origins;
  // Subprotocols this server speaks, in its order of preference (§4.2.2 /subprotocol/).
  std::vector<std::string> subprotocols;
  std::size_t read_buffer_size = std::size_t{64} << 10;  // one per reactor, not per connection
  std::size_t socket_send_buffer = 0;                    // SO_SNDBUF; 0: the kernel's choice
  std::uint32_t handshake_timeout_ms = 10'000;           // connect to complete request head
};

// permessage-deflate (RFC 7692), where the library was built with zlib; see
// deflate_library() in version.h.
enum class DeflateMode : std::uint8_t {
  kOff,
  kNoContextTakeover,  // each message by itself: a connection holds no compressor of its own
  kContextTakeover,    // windows are kept between messages: smaller messages, up to 300 KB for each
                       // connection that uses it
};

// What of it is spoken.
struct DeflateOptions {
  DeflateMode mode = DeflateMode::kNoContextTakeover;
  std::uint32_t level = 1;     // zlib's, 1 (fast) to 9 (small)
  std::size_t threshold = 64;  // smaller messages go uncompressed
  // What kept windows may hold in the whole process; connections beyond it do without takeover.
  std::size_t max_context_bytes = std::size_t{256} << 20;
};

// What one peer may take of what all share. 0 turns a limit off.
//
// Per address: an IPv4 address, or the /64 of an IPv6 address, since that is what one customer has.
// Peers of a Unix socket have no address and are not limited so.
struct ClientLimits {
  // WebSocket connections of one address at once; one more is answered 429.
  std::uint32_t max_connections_per_address = 0;
  // Opening handshakes of one address, refused ones too; beyond it 429 with Retry-After. At most
  // 1,000,000.
  std::uint32_t max_handshakes_per_second = 0;

  // What one connection may send. What it has not used within one second is lost; beyond it the
  // connection ends with kRateLimit. Messages: at most 1,000,000. Bytes: as they come from the
  // socket, frame headers included; 1 KiB or more.
  std::uint32_t max_messages_per_second = 0;
  std::size_t max_bytes_per_second = 0;

  // A join beyond either is refused; see Handlers::join_refused.
  std::uint32_t max_rooms_per_connection = 1'024;
  // Rooms with members or with history, whole process. Beyond it a message to a room that nobody is
  // in gets no place and is not kept.
  std::uint32_t max_rooms = 0;
};

// Plain HTTP beside WebSocket.
struct HttpOptions {
  std::uint32_t response_timeout_ms = 30'000;  // what a DeferredHandler may take, then 503
};

// What a room keeps of its messages, for those who join later. A room with history outlives its
// members until the history has aged.
struct HistoryOptions {
  std::uint32_t messages = 0;                // of each room; 0: none are kept
  std::size_t bytes = std::size_t{1} << 20;  // of each room; 64 for each message beside its frame
  std::uint32_t age_ms = 300'000;
  // Of all rooms together. Where it is used up a room that keeps a new message drops its own oldest
  // ones, the new one among them if need be.
  std::size_t total_bytes = std::size_t{256} << 20;
};

// What is different in some rooms: those whose names `pattern` fits (room_fits()). What has no
// value is as for all rooms.
struct RoomRule {
  std::string pattern;
  std::optional<SlowPolicy> slow_policy = {};
  std::optional<std::uint32_t> history_messages = {};  // these as in HistoryOptions
  std::optional<std::size_t> history_bytes = {};
  std::optional<std::uint32_t> history_age_ms = {};
};

// The field in which a trusted proxy names its client.
enum class ForwardedField : std::uint8_t {
  kXForwardedFor,
  kForwarded,  // RFC 7239
};

// Proxies in front, and what is believed of what they say.
struct ProxyOptions {
  // Whose word counts: networks ("10.0.0.0/8", "2001:db8::/32"), addresses, or "unix" for the peers
  // of Unix sockets. What any other peer sends in `field` is ignored. At most 1,024.
  std::vector<std::string> trusted;
  // The one that those proxies set. The other is ignored: a proxy passes it on as the client wrote
  // it.
  ForwardedField field = ForwardedField::kXForwardedFor;
  // Every connection of every listener begins with a PROXY protocol header (version 1 or 2) of a
  // trusted proxy; one that does not ends with kProxyHeader. `field` is not looked at then.
  bool proxy_protocol = false;
};

// All of them.
struct ServerOptions {
  std::uint32_t reactors = 0;  // threads; 0: one for each core, at most 64
  UpgradeOptions upgrade;
  HeartbeatOptions heartbeat;
  LimitOptions limits;
  DeflateOptions deflate;
  LogOptions log;
  int listen_backlog = 4'096;
  std::uint32_t notsent_lowat = 0;          // TCP_NOTSENT_LOWAT in bytes; 0: the kernel's choice
  std::uint32_t drain_window_ms = 10'000;   // closes are spread over at most this
  std::uint32_t drain_timeout_ms = 20'000;  // then what is left is cut
  ClientLimits rates;
  HttpOptions http;
  HistoryOptions history;
  std::vector<RoomRule> rooms = {};  // the first that fits a room is the room's
  ProxyOptions proxy;
};

// The first contradiction or out-of-range value in `options` as a sentence for an operator; empty
// when there is none. Settings are named by their daemon flag ("--ping-interval"). Any thread.
[[nodiscard]] std::string check_options(const ServerOptions& options);

}  // namespace wsd
