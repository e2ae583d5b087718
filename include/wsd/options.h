// Every setting of a server, with its unit and its default. Server copies the values when it is
// constructed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wsd/log.h"
#include "wsd/presence.h"

namespace wsd {

// Liveness of open connections. Every received byte counts as a sign of life. So does every byte
// that the peer has acknowledged while more bytes precede its answer (docs/LIMITS.md). After
// ping_interval_ms of silence the server sends a Ping. If the silence lasts another
// pong_timeout_ms, the connection ends with kPongTimeout. read_timeout_ms is the longest silence
// allowed in any case (kReadTimeout). 0 turns a setting off. With pings on, read_timeout_ms must be
// 0 or at least ping_interval_ms + pong_timeout_ms; check_options() rejects anything else.
struct HeartbeatOptions {
  std::uint32_t ping_interval_ms = 25'000;
  std::uint32_t pong_timeout_ms = 20'000;
  std::uint32_t read_timeout_ms = 60'000;
};

// How to treat a message that exceeds the limit of a connection's send queue.
enum class SlowPolicy : std::uint8_t {
  kDisconnect,  // close with 1008 and a reason, cause kSlowConsumer
  kDropNewest,  // drop the new message
  kDropOldest,  // drop whole queued messages, oldest first, until the new one fits
  // Only for rooms (RoomRule). While a connection has data queued, a new message replaces the
  // queued message of the same room, whether the queue is full or not. A slow member therefore gets
  // the newest message and never an older one after it. If the queue has no space even for the
  // newest message, LimitOptions::slow_policy applies.
  kLatestOnly,
};

// Limits on one connection, on one message and on the whole process.
struct LimitOptions {
  std::size_t max_message_bytes = std::size_t{16} << 20;
  std::uint32_t max_fragments = 131'072;      // per message, including empty ones
  std::uint32_t max_empty_fragments = 1'024;  // per message; max_fragments applies too
  std::uint32_t max_connections = 0;          // 0: only the open-file limit applies
  // At max_connections, a new connection replaces the oldest one that is not a WebSocket and whose
  // request is not being handled, instead of getting 503. So idle peers cannot keep others out.
  // Looks at all connections of a reactor, so it suits servers with few of them.
  bool replace_oldest = false;
  // Descriptors below the open-file limit (RLIMIT_NOFILE) that connections leave to the rest of the
  // process, whatever it opens. start() reads that limit. 0: none.
  std::uint32_t reserved_descriptors = 0;
  std::size_t max_input_bytes = std::size_t{1} << 30;  // incomplete messages, whole process

  // Control frames from one peer within one second. More of them end the connection with
  // kPolicyViolation. At most 1,000,000. 0 disables the limit.
  std::uint32_t max_control_frames_per_second = 100'000;

  // The send queue of one connection. While it holds at most half of send_queue_bytes, it takes one
  // message of any size. Replayed history does not count.
  std::size_t send_queue_bytes = std::size_t{1} << 20;
  std::uint32_t send_queue_frames = 16'384;
  std::size_t max_output_bytes = std::size_t{1} << 30;  // memory of send queues, whole process
  SlowPolicy slow_policy = SlowPolicy::kDisconnect;

  // Publishers are paused if more waits for one reactor than this, in messages or in bytes. Both
  // limits apply to each of three queues: publishes and other mail for rooms whose home the reactor
  // is, messages of rooms for its members, and joins and leaves from other threads. A message that
  // starts below the limit passes whole.
  std::uint32_t max_pending_publishes = 65'536;
  std::size_t max_pending_bytes = std::size_t{64} << 20;

  // The HTTP request head (RFC 9112 §3, RFC 6585 §5).
  std::size_t max_request_line_bytes = std::size_t{8} << 10;
  std::size_t max_head_bytes = std::size_t{16} << 10;
  std::size_t max_field_bytes = std::size_t{8} << 10;
  std::uint32_t max_fields = 100;

  std::uint32_t message_timeout_ms = 120'000;  // from the first to the last byte of one message
  std::uint32_t write_timeout_ms = 30'000;     // with bytes queued, and no progress of the peer
  std::uint32_t close_timeout_ms = 5'000;      // from the peer's last progress to its Close frame
};

// The opening handshake (RFC 6455 §4.2).
struct UpgradeOptions {
  // Origins that may connect in addition to the same origin. "https://app.example.com" matches
  // exactly (scheme, host and port). "https://*.example.com" matches every host with one or more
  // labels in front, but not "example.com" itself. "null" and "file://" match exactly; browsers
  // send them for local files, and "null" also for sandboxed frames of any page. "*" matches all. A
  // request without Origin is always allowed, because it does not come from a browser (§10.2).
  std::vector<std::string> allowed_origins;
  // Subprotocols that this server supports, most preferred first (§4.2.2 /subprotocol/).
  std::vector<std::string> subprotocols;
  std::size_t read_buffer_size = std::size_t{64} << 10;  // bytes, one buffer per reactor
  std::size_t socket_send_buffer = 0;           // bytes (SO_SNDBUF); 0: the kernel's choice
  std::uint32_t handshake_timeout_ms = 10'000;  // from accept to the request head, and its verdict
};

// permessage-deflate (RFC 7692). It needs a library built with zlib: see deflate_library() in
// version.h.
enum class DeflateMode : std::uint8_t {
  kOff,
  kNoContextTakeover,  // each message on its own; a connection keeps no compressor
  kContextTakeover,  // keep windows between messages: smaller messages, up to 300 KB per connection
};

// Compression settings.
struct DeflateOptions {
  DeflateMode mode = DeflateMode::kNoContextTakeover;
  std::uint32_t level = 1;     // zlib's, from 1 (fast) to 9 (small)
  std::size_t threshold = 64;  // bytes; smaller messages are not compressed
  // Bytes for windows kept between messages, whole process. Connections beyond this limit use no
  // context takeover.
  std::size_t max_context_bytes = std::size_t{256} << 20;
  // Handshakes whose User-Agent contains one of these texts, compared with case, get no
  // compression. For clients that break the extension; see the flag --no-deflate-for.
  std::vector<std::string> excluded_user_agents = {};
};

// Limits on one peer's use of shared resources. 0 disables a limit.
//
// "Per address" means per IPv4 address, or per /64 of an IPv6 address, because one customer usually
// has a whole /64. Peers of a Unix socket have no address, and limits per address do not apply to
// them.
struct ClientLimits {
  // WebSocket connections of one address at the same time. A further handshake gets 429.
  std::uint32_t max_connections_per_address = 0;
  // Opening handshakes per second and address, including rejected ones. A further one gets 429 with
  // Retry-After. At most 1,000,000.
  std::uint32_t max_handshakes_per_second = 0;

  // Messages and bytes per second that one connection may send. An allowance not used within one
  // second expires. A connection that exceeds a limit ends with kRateLimit. Messages: at most
  // 1,000,000. Bytes are counted as they arrive on the socket, with frame headers; at least 1 KiB.
  std::uint32_t max_messages_per_second = 0;
  std::size_t max_bytes_per_second = 0;

  // A join that exceeds either limit is refused; see Handlers::join_refused.
  std::uint32_t max_rooms_per_connection = 1'024;
  // Rooms with members or with history, whole process. At the limit, a message to a room without
  // members and without history gets no position and is not stored.
  std::uint32_t max_rooms = 0;
};

// Plain HTTP, served besides WebSocket.
struct HttpOptions {
  std::uint32_t response_timeout_ms = 30'000;  // for a DeferredHandler's response, then 503
  // How long a connection may stay idle after a response, at least one second. The response tells
  // the client (Keep-Alive: timeout=N). It must be longer than a proxy keeps its idle connections,
  // which is 60 s for nginx and most cloud balancers. From the first byte of the next request on,
  // upgrade.handshake_timeout_ms applies.
  std::uint32_t keep_alive_timeout_ms = 75'000;

  // Hosts that requests may name in their Host field, besides the loopback hosts: localhost,
  // *.localhost, 127.0.0.0/8 and ::1. An entry is a name or an address without a port,
  // "*.example.com" for every host with one or more labels before ".example.com", or "*" for all.
  // A request for another host gets 421 (RFC 9110 §15.5.20), on every listener. If the list is
  // empty, guard_loopback decides. A request without Host does not come from a browser and is
  // always allowed.
  std::vector<std::string> allowed_hosts = {};
  // If true, and every TCP address of the server is a loopback address, requests must name a
  // loopback host even if allowed_hosts is empty. This stops DNS rebinding: a web page can make its
  // own host name resolve to 127.0.0.1, and then has the same origin as the server. Set it if the
  // server trusts its clients because they are on this machine. It does not apply to Unix sockets,
  // trusted proxies (ProxyOptions) and pages of allowed_origins. Off by default, because an
  // application behind a proxy gets its public name as Host.
  bool guard_loopback = false;

  // If true, pages from UpgradeOptions::allowed_origins may also read the responses of the HTTP
  // routes, and send requests that need a preflight (Fetch, section 3.2, "CORS protocol"). The
  // server answers preflights before any guard, unless the route has an OPTIONS handler. The
  // responses do not allow credentials, so a browser sends no cookies with such a request. Off by
  // default.
  bool cross_origin = false;
  // The request header fields that these pages may set, besides those that any page may set.
  std::vector<std::string> cross_origin_fields = {"Authorization", "Content-Type"};
};

// When a message of a room counts as kept in the history log. Until then no member gets it, and no
// publisher an answer.
enum class HistorySync : std::uint8_t {
  kOff,       // when the kernel has it; the kernel writes it to disk when it likes
  kInterval,  // when the kernel has it; the log is written to disk every `sync_interval_ms`
  kEach,      // when the disk has it
};

// History on disk. The rooms that keep a history continue it, and their positions, after a restart
// or a crash.
struct HistoryLogOptions {
  std::string directory;  // created if it does not exist; empty: history is in memory only
  HistorySync sync = HistorySync::kInterval;
  std::uint32_t sync_interval_ms = 100;  // 1 to 60,000
  // Also accepts a directory on a file system whose syncs or locks are not known to be reliable,
  // such as NFS or FUSE.
  bool any_file_system = false;
};

// The history that a room keeps for clients that join later. A room with history outlives its
// members until the history has expired.
struct HistoryOptions {
  std::uint32_t messages = 0;                // per room; 0: no history
  std::size_t bytes = std::size_t{1} << 20;  // per room: memory of its messages, rounding included
  std::uint32_t age_ms = 300'000;
  // Memory of all histories, with the rooms. Each reactor has an equal share, at least `bytes`. If
  // it is used up, a new message replaces old ones of its own room, or is not stored.
  std::size_t total_bytes = std::size_t{256} << 20;
  HistoryLogOptions log = {};
};

// Overrides for the rooms whose names match `pattern` (see room_fits()). A field without a value
// keeps the server-wide setting.
struct RoomRule {
  std::string pattern;
  std::optional<SlowPolicy> slow_policy = {};
  std::optional<std::uint32_t> history_messages = {};  // these as in HistoryOptions
  std::optional<std::size_t> history_bytes = {};
  std::optional<std::uint32_t> history_age_ms = {};
  std::optional<std::uint32_t> delivery_window_ms = {};  // as in ServerOptions
  std::optional<bool> presence = {};                     // as PresenceOptions::enabled
};

// The header field in which a trusted proxy reports its client.
enum class ForwardedField : std::uint8_t {
  kXForwardedFor,
  kForwarded,  // RFC 7239
};

// Reverse proxies and how far to trust them.
struct ProxyOptions {
  // The trusted proxies: networks ("10.0.0.0/8", "2001:db8::/32"), addresses, or "unix" for the
  // peers of Unix sockets. In requests of other peers, `field` is ignored. At most 1,024 entries.
  std::vector<std::string> trusted;
  // The field that these proxies set. The other field is ignored, because a proxy forwards it as
  // the client sent it.
  ForwardedField field = ForwardedField::kXForwardedFor;
  // If true, every connection of every listener must begin with a PROXY protocol header (version 1
  // or 2) from a trusted proxy. A connection without one ends with kProxyHeader. `field` is then
  // ignored.
  bool proxy_protocol = false;
};

// Settings of the whole process, which start() leaves alone unless they are set here. They stay in
// effect after the server has ended.
struct ProcessOptions {
  // Raises the soft limit on open files (RLIMIT_NOFILE) to the hard limit. Each connection is a
  // descriptor, and the soft limit is often 1,024. Do not set it if the process uses select(2), or
  // starts programs that do, because select(2) cannot handle larger descriptors.
  bool raise_open_file_limit = false;
  // Lets free() return blocks of 256 KiB and more to the system at once (glibc: mallopt(3),
  // M_MMAP_THRESHOLD). Otherwise the heap may stay large after large messages.
  bool return_large_blocks = false;
};

// Rooms over several servers, called nodes. Redis or Valkey, 7.0 or later, orders and stores the
// messages of all rooms. docs/ENGINE.md states what it guarantees.
struct EngineOptions {
  // redis://HOST[:PORT], redis+unix:PATH, redis+sentinel://HOST[:PORT],HOST[:PORT]/MASTER or
  // redis+cluster://HOST[:PORT],HOST[:PORT]. All nodes need the same one. Empty: the rooms of this
  // server are its own.
  std::string url;
  std::string user;              // empty: the engine's default user
  std::string password;          // empty: no password
  std::string prefix = "wsd1:";  // of all keys and channels; the same on all nodes
  // If the engine is silent for this long although it owes an answer, or a connection to it takes
  // this long, the server connects again.
  std::uint32_t timeout_ms = 5'000;
  // The engine keeps at least this many messages of each room, even if `history` keeps fewer, so
  // that a node that was cut off can catch up.
  std::uint32_t backlog = 128;
};

// All settings of a server.
struct ServerOptions {
  // Threads. 0: one per CPU that the process may use, by its affinity and by the CPU quota of its
  // cgroup, rounded up; at most 64.
  std::uint32_t reactors = 0;
  UpgradeOptions upgrade;
  HeartbeatOptions heartbeat;
  LimitOptions limits;
  DeflateOptions deflate;
  LogOptions log;
  int listen_backlog = 4'096;
  // Permission bits of the file of a Unix socket that listen() makes, 1 to 0777. A client needs
  // write permission to connect. Without a value: 0777 without the bits of the umask.
  std::optional<std::uint32_t> socket_mode = {};
  std::uint32_t notsent_lowat = 0;  // TCP_NOTSENT_LOWAT in bytes; 0: the kernel's choice
  // A drain goes on serving and accepting for this long before it closes anything. Meanwhile
  // Server::draining() is true, and HTTP responses are the last ones of their connections. Load
  // balancers thus stop sending clients before the port refuses them. Not part of drain_timeout_ms.
  std::uint32_t drain_delay_ms = 0;
  std::uint32_t drain_window_ms = 10'000;   // a drain sends its Close frames within this time
  std::uint32_t drain_timeout_ms = 20'000;  // a drain then force-closes all other connections
  ClientLimits rates;
  HttpOptions http;
  HistoryOptions history;
  EngineOptions engine = {};
  std::vector<RoomRule> rooms = {};  // the first rule that matches a room applies
  // A room's messages within this time leave together, in one send for each member. The window
  // begins with the first message that waits, and ends early at 64 KiB or 1,024 messages, and
  // before a member joins or leaves. Positions, receipts and history do not wait, and neither do
  // direct sends. 0: messages leave in the turn in which they were published. At most 1,000.
  std::uint32_t delivery_window_ms = 0;
  PresenceOptions presence = {};
  ProxyOptions proxy;
  ProcessOptions process;
  // Names options in errors and log entries, for an application whose users know them by names of
  // its own, such as flags. Gets the field of ServerOptions, such as "heartbeat.ping_interval_ms",
  // and returns that name. Empty: options are named by their fields. Any thread calls it, also
  // several at the same time. It must not throw an exception other than std::bad_alloc.
  std::function<std::string(std::string_view field)> option_name = {};
};

// Returns the first contradiction or out-of-range value in `options` as a sentence, or an empty
// string if there is none. It names options as ServerOptions::option_name does, by default by their
// fields, for example "heartbeat.ping_interval_ms must be ...". Any thread.
[[nodiscard]] std::string check_options(const ServerOptions& options);

}  // namespace wsd
