// The statistics of a reactor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "base/histogram.h"
#include "wsd/close.h"
#include "wsd/stats.h"

namespace wsd::net {

// The counts that every message changes. Reactor thread only. Each turn publishes them to
// ReactorStats once, which saves atomic operations per message.
struct Tally {
  std::uint64_t messages_in = 0;
  // Messages that a connection gets in its own read step, and messages to a single connection at
  // other times.
  std::uint64_t messages_sent = 0;
  // The shard counts the messages that rooms deliver, by the batch. This is the part that must be
  // subtracted: messages for members that were closing, or that were in their own read step.
  std::uint64_t not_deliveries = 0;
  std::uint64_t bytes_in = 0;
};

// Written by the reactor's thread, read by any. The shard counts rooms, and ProcessCounters counts
// incomplete input.
struct ReactorStats {
  std::array<Counter, 3> connections;  // by ConnectionState
  Counter accepted;
  std::array<Counter, kCloseCauseCount> ended;
  std::array<Counter, kRefusalStatuses.size()> refused;

  Counter messages_in;
  Counter messages_out;
  Counter messages_dropped;
  Counter messages_uncompressed;
  Counter bytes_in;
  Counter bytes_out;
  Counter send_queue_bytes;
  Counter memory_trims;

  Histogram turn;
  Histogram fan_out;
  Histogram round_trip;
  Histogram delivery_delay;

  // Counts an opening handshake that was rejected with that status.
  void count_refusal(int status) noexcept {
    std::size_t i = 0;
    while (i + 1 < kRefusalStatuses.size() && kRefusalStatuses[i] != status) ++i;
    refused[i].add(1);
  }
};

}  // namespace wsd::net
