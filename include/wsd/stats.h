// What a running server tells about itself: figures, and who is connected.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "wsd/close.h"
#include "wsd/connection.h"

namespace wsd {

// How often something took how long.
struct DurationHistogram {
  // The bounds are 2^0 to 2^23 microseconds (8.4 s); the last bucket has none.
  static constexpr std::size_t kBuckets = 25;

  // What took at most bound_ns(i) and more than bound_ns(i - 1).
  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t sum_ns = 0;

  // The most that falls into a bucket.
  [[nodiscard]] static constexpr std::uint64_t bound_ns(std::size_t bucket) noexcept {
    return std::uint64_t{1000} << bucket;
  }
  // How many there were.
  [[nodiscard]] std::uint64_t count() const noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }
};

// The statuses under which refused handshakes are counted; 0 stands for any other.
inline constexpr std::array<int, 16> kRefusalStatuses = {400, 401, 403, 404, 405, 408, 413, 414,
                                                         426, 429, 431, 500, 501, 503, 505, 0};

// A server's figures, added up over its reactors. Each is right for some moment of the last turn of
// its reactor; two of them need not be of the same moment. Totals count from start() and never go
// down; the others are what is there now.
struct ServerStats {
  std::uint32_t reactors = 0;
  std::uint64_t start_time_ms = 0;  // since 1970-01-01 00:00 UTC; 0 before start()
  bool draining = false;

  // Connections that read a request, that are open, and that are on their way out.
  std::uint64_t connections_handshaking = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t connections_closing = 0;
  std::uint64_t accepted_total = 0;
  std::array<std::uint64_t, kCloseCauseCount> ended_total{};                      // by CloseCause
  std::array<std::uint64_t, kRefusalStatuses.size()> handshakes_refused_total{};  // by status

  std::uint64_t messages_in_total = 0;
  std::uint64_t messages_out_total = 0;  // given to connections, those dropped later included
  std::uint64_t messages_dropped_total = 0;
  std::uint64_t bytes_in_total = 0;  // from and to the kernel, of any kind
  std::uint64_t bytes_out_total = 0;

  std::uint64_t rooms = 0;
  std::uint64_t room_members = 0;      // memberships, joins under way included
  std::uint64_t publishes_total = 0;   // messages that reached their room's home
  std::uint64_t deliveries_total = 0;  // messages handed to members, one for each

  std::uint64_t send_queue_bytes = 0;    // waiting in send queues
  std::uint64_t input_bytes = 0;         // held for unfinished messages
  std::uint64_t context_bytes = 0;       // promised to compression contexts
  std::uint64_t publishes_waiting = 0;   // for the homes of their rooms
  std::uint64_t deliveries_waiting = 0;  // for reactors with members of the room

  std::uint64_t turns_total = 0;
  DurationHistogram turn;            // from the end of a reactor's wait to its next wait
  DurationHistogram fan_out;         // from sending what rooms have pending to the end of the turn
  DurationHistogram round_trip;      // from a Ping to its Pong
  DurationHistogram delivery_delay;  // from a message's place in its room to the end of the turn
                                     // that sent it; of each batch its oldest message
};

// Rows of one listing are kept to this many.
inline constexpr std::uint32_t kMaxListingRows = 1'000;

// Which connections come first.
enum class ConnectionOrder : std::uint8_t {
  kQueue,      // the longest send queue first
  kRoundTrip,  // the longest round trip first
  kAge,        // the oldest first
};

// Where in its life a connection is.
enum class ConnectionState : std::uint8_t { kHandshaking, kOpen, kClosing };

// Which connections are asked for.
struct ConnectionQuery {
  ConnectionOrder order = ConnectionOrder::kQueue;
  std::uint32_t limit = 100;  // at most kMaxListingRows
};

// One connection at the moment of asking.
struct ConnectionInfo {
  ConnectionId id = 0;
  ConnectionState state = ConnectionState::kHandshaking;
  std::string remote;
  std::string via;   // the proxy that has named `remote`; empty: there is none
  std::string path;  // empty until it is open, like the next two
  std::string user;
  std::string subprotocol;
  std::uint64_t age_ms = 0;
  std::uint64_t round_trip_us = 0;  // of the last Ping, within 7 %; 0: none was answered yet
  std::uint64_t queued_bytes = 0;
  std::uint64_t rooms = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t messages_dropped = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

// One room at the moment of asking.
struct RoomInfo {
  std::string name;  // any bytes
  std::uint64_t members = 0;
};

// An answer of all reactors, each consistent in itself.
template <class Row>
struct Listing {
  std::vector<Row> rows;    // in the order asked for, equal ones in that of ids or names
  std::uint64_t total = 0;  // how many there were to choose from
  bool complete = false;    // every reactor answered in time
};

}  // namespace wsd
