// What a reactor counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "base/histogram.h"
#include "wsd/close.h"
#include "wsd/stats.h"

namespace wsd::net {

// What each message adds to. Plain numbers of the reactor's thread, shown to others once a turn.
struct Tally {
  std::uint64_t messages_in = 0;
  std::uint64_t messages_sent = 0;  // all that a read step sends to its connection, and to others
                                    // what is for them alone
  // What rooms deliver is counted by the shard, a batch at a time. This is how much of it does not
  // count: what came to members that were closing already, or in a read step of their own.
  std::uint64_t not_deliveries = 0;
  std::uint64_t bytes_in = 0;
};

// Kept by the reactor's thread, read by any. What is at hand elsewhere is not here: the shard
// counts its rooms, and the process its unfinished input.
struct ReactorStats {
  std::array<Counter, 3> connections;  // by ConnectionState
  Counter accepted;
  std::array<Counter, kCloseCauseCount> ended;
  std::array<Counter, kRefusalStatuses.size()> refused;

  Counter messages_in;
  Counter messages_out;
  Counter messages_dropped;
  Counter bytes_in;
  Counter bytes_out;
  Counter send_queue_bytes;

  Histogram turn;
  Histogram fan_out;
  Histogram round_trip;
  Histogram delivery_delay;

  // An opening handshake was refused with that status.
  void count_refusal(int status) noexcept {
    std::size_t i = 0;
    while (i + 1 < kRefusalStatuses.size() && kRefusalStatuses[i] != status) ++i;
    refused[i].add(1);
  }
};

}  // namespace wsd::net
