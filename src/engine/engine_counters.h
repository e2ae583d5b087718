// Counters of an engine, which other threads may read.
#pragma once

#include "base/counter.h"
#include "base/histogram.h"

namespace wsd::engine {

// The engine of one shard. The shard's thread writes, and any thread may read.
struct EngineCounters {
  Counter up;  // 1: the link to the server is up
  // 0 if the link is up and all rooms are caught up. Else since when not, in the milliseconds of
  // EngineDriver::begin_turn().
  Counter unready_since_ms;
  Counter connects;       // handshakes that succeeded
  Histogram round_trips;  // of heartbeats

  Counter rooms_opening;  // rooms in this state
  Counter rooms_live;
  Counter rooms_lost;
  Counter in_flight;  // publishes without an answer

  Counter placed;  // publishes with this answer
  Counter refused;
  Counter unknown;
  Counter pushes;
  Counter catch_ups;
  Counter gaps;
  Counter epochs;
};

}  // namespace wsd::engine
