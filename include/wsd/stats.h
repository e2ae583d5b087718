// Figures of a running server, and lists of its connections and rooms.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wsd/close.h"
#include "wsd/connection.h"

namespace wsd {

// A histogram of durations.
struct DurationHistogram {
  // The upper limits of the buckets are 2^0 to 2^23 microseconds (8.4 s). The last bucket has no
  // limit.
  static constexpr std::size_t kBuckets = 25;

  // counts[i] is the number of durations above bound_ns(i - 1) and up to bound_ns(i).
  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t sum_ns = 0;

  // Returns the largest duration that belongs to a bucket.
  [[nodiscard]] static constexpr std::uint64_t bound_ns(std::size_t bucket) noexcept {
    return std::uint64_t{1000} << bucket;
  }
  // Returns the number of durations in all buckets.
  [[nodiscard]] std::uint64_t count() const noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }
};

// The HTTP statuses by which rejected handshakes are counted. 0 stands for any other status.
inline constexpr std::array<int, 16> kRefusalStatuses = {400, 401, 403, 404, 405, 408, 413, 414,
                                                         426, 429, 431, 500, 501, 503, 505, 0};

// The figures of one reactor.
struct ReactorFigures {
  std::uint64_t connections = 0;     // current, in all states
  std::uint64_t accepted_total = 0;  // connections that this reactor got
};

// The figures of the history log (HistoryLogOptions). All are 0 without one.
struct HistoryLogFigures {
  bool enabled = false;
  bool failed = false;                // the log cannot be written, so messages are not kept
  std::uint64_t failed_since_ms = 0;  // since 1970-01-01 00:00 UTC, while failed
  std::string error;                  // the latest failure as a sentence; empty if there was none
  std::uint64_t bytes = 0;            // of all segments
  std::uint64_t live_bytes = 0;       // of the records that a restart needs, estimated
  std::uint64_t segments = 0;
  std::uint64_t records_total = 0;   // written by this run
  std::uint64_t groups_total = 0;    // writes: each has the records that waited for it
  std::uint64_t failures_total = 0;  // times that the log has failed
  DurationHistogram sync;            // durations of fdatasync
};

// The engine that orders the rooms of several nodes (EngineOptions), added up over the reactors.
// Each has a connection of its own.
struct EngineFigures {
  bool up = false;  // every reactor is connected
  // For how long a reactor has not been connected, or has had rooms that are not caught up. 0: all
  // are ready.
  std::uint64_t unready_ms = 0;
  bool ever_up = false;             // every reactor has been connected before
  std::uint64_t rooms_opening = 0;  // rooms in this state
  std::uint64_t rooms_live = 0;
  std::uint64_t rooms_lost = 0;     // not in step with the engine
  std::uint64_t in_flight = 0;      // publishes without an answer of the engine
  std::uint64_t placed_total = 0;   // publishes that got a position
  std::uint64_t refused_total = 0;  // publishes that the engine refused
  std::uint64_t unknown_total = 0;  // publishes whose answer was lost
  std::uint64_t pushes_total = 0;   // messages of rooms that the engine has sent
  std::uint64_t connects_total = 0;
  std::uint64_t catch_ups_total = 0;  // of a room, after its connection or a message was lost
  std::uint64_t gaps_total = 0;       // of a room: messages that this node has missed for good
  std::uint64_t epochs_total = 0;     // epochs that this node has begun
  DurationHistogram round_trip;       // of heartbeats
};

// The figures of a server, added up over its reactors. The daemon exports them as metrics. The
// figures of a reactor are from its latest turn, but two of them may be of different moments.
// Totals count from start() and never decrease. The other figures are current values.
struct ServerStats {
  std::uint32_t reactors = 0;       // number of reactor threads
  std::uint64_t start_time_ms = 0;  // since 1970-01-01 00:00 UTC; 0 before start()
  bool draining = false;

  // Current connections, by state.
  std::uint64_t connections_handshaking = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t connections_closing = 0;
  // Connections accepted.
  std::uint64_t accepted_total = 0;
  // The shares of the reactors, by their number. Empty before start().
  std::vector<ReactorFigures> by_reactor;
  // Connections that have ended, by CloseCause.
  std::array<std::uint64_t, kCloseCauseCount> ended_total{};
  // Connections that ended with cause kHandshakeRejected, kHandshakeTimeout or kOverload after an
  // HTTP error response, by its status.
  std::array<std::uint64_t, kRefusalStatuses.size()> handshakes_refused_total{};

  // Complete messages received from clients.
  std::uint64_t messages_in_total = 0;
  // Messages handed to connections for sending, including those dropped afterwards.
  std::uint64_t messages_out_total = 0;
  // Messages not sent because the send queue was full, a newer message of a latest-only room
  // replaced them, the Close frame of a failed connection overtook them, or the connection ended.
  std::uint64_t messages_dropped_total = 0;
  // Messages that were sent uncompressed, because compressing them was too much work for one turn.
  // A room's message counts once per window size, and not once per member.
  std::uint64_t messages_uncompressed_total = 0;
  std::uint64_t bytes_in_total = 0;   // received, HTTP and WebSocket together
  std::uint64_t bytes_out_total = 0;  // accepted by the kernel for sending

  std::uint64_t rooms = 0;            // with members or stored history
  std::uint64_t room_members = 0;     // memberships, including joins in progress
  std::uint64_t publishes_total = 0;  // messages to rooms, including rooms without members
  // Messages to rooms that reached nobody, because the history log could not keep them.
  std::uint64_t publishes_refused_total = 0;
  // Room messages handed to members, counted once per member, replayed history included.
  std::uint64_t deliveries_total = 0;

  std::uint64_t send_queue_bytes = 0;  // waiting in send queues
  std::uint64_t output_bytes = 0;      // memory of send queues; shared messages count once
  std::uint64_t input_bytes = 0;       // of incomplete messages and requests
  std::uint64_t context_bytes = 0;     // reserved for compression windows kept between messages
  // Mail that waits for reactors, in bytes as counted against max_pending_bytes: a message counts
  // at least max_pending_bytes / max_pending_publishes.
  std::uint64_t pending_publish_bytes = 0;   // for home shards of rooms, and single connections
  std::uint64_t pending_delivery_bytes = 0;  // messages of rooms for reactors with members
  std::uint64_t pending_request_bytes = 0;   // joins, leaves and queries from other threads

  HistoryLogFigures history_log;
  std::optional<EngineFigures> engine;  // without a value: EngineOptions::url is empty

  // Times that free memory was returned to the system, after the work that had needed it.
  std::uint64_t memory_trims_total = 0;

  std::uint64_t turns_total = 0;  // passes of all reactors' event loops
  // From the end of a reactor's wait for events to the end of its turn.
  DurationHistogram turn;
  // From the start of sending pending room messages to the end of the turn.
  DurationHistogram fan_out;
  // From a Ping to its Pong.
  DurationHistogram round_trip;
  // From giving a message its position in the room to the end of the turn that sent it. A batch
  // counts with its oldest message.
  DurationHistogram delivery_delay;
};

// The largest number of rows in one listing.
inline constexpr std::uint32_t kMaxListingRows = 1'000;

// The order of a list of connections.
enum class ConnectionOrder : std::uint8_t {
  kQueue,      // longest send queue first
  kRoundTrip,  // longest round trip first
  kAge,        // oldest first
};

// The state of a connection.
enum class ConnectionState : std::uint8_t { kHandshaking, kOpen, kClosing };

// Selects the connections to list.
struct ConnectionQuery {
  ConnectionOrder order = ConnectionOrder::kQueue;
  std::uint32_t limit = 100;  // at most kMaxListingRows
};

// Selects connections. A member without a value selects all.
struct ConnectionFilter {
  std::optional<std::string> user = {};  // "" selects the connections of no user
  std::optional<std::string> room = {};  // a room that the connection has joined
};

// One connection at the moment of the query.
struct ConnectionInfo {
  ConnectionId id = 0;
  ConnectionState state = ConnectionState::kHandshaking;
  std::string remote;
  std::string via;   // the proxy that reported `remote`; empty if there is none
  std::string path;  // this and the next two are empty until the connection is open
  std::string user;
  std::string subprotocol;
  std::uint64_t age_ms = 0;
  std::uint64_t round_trip_us = 0;  // of the last Ping, within 7 %; 0: no Ping was answered yet
  std::uint64_t queued_bytes = 0;
  std::uint64_t rooms = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t messages_dropped = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

// A part of a complete list of connections.
struct ConnectionPage {
  std::vector<ConnectionInfo> rows;  // in an order that does not change
  std::uint64_t next = 0;            // the cursor of the next page; 0: this is the last one
  bool complete = false;  // false: a reactor did not answer in time, and `next` is where to go on
};

// The result of an action on many connections.
struct CloseResult {
  std::uint64_t closed = 0;
  bool complete = false;  // false: a reactor did not answer in time; repeat the call
};

// The result of Server::close_room().
struct RoomCloseResult {
  std::uint64_t closed = 0;   // connections
  std::uint64_t removed = 0;  // messages
  bool complete = false;      // false: a reactor did not answer in time; repeat the call
};

// One room at the moment of the query.
struct RoomInfo {
  std::string name;  // any bytes
  std::uint64_t members = 0;
};

// The combined answer of all reactors. Each reactor's part is consistent in itself.
template <class Row>
struct Listing {
  std::vector<Row> rows;    // in the requested order; equal rows by id or name
  std::uint64_t total = 0;  // number of connections or rooms in all
  bool complete = false;    // true if every reactor answered in time
};

}  // namespace wsd
