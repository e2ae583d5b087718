// What a reactor shares with its connections during a turn.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "base/block_cache.h"
#include "base/bytes.h"
#include "base/tick.h"
#include "hub/heartbeat.h"
#include "hub/shard.h"
#include "net/application.h"
#include "net/cork.h"
#include "net/message_encoder.h"
#include "net/reactor_stats.h"
#include "net/receive_rates.h"
#include "net/send_queue.h"
#include "protocol/deflate.h"
#include "protocol/session.h"
#include "protocol/trusted_proxies.h"

namespace wsd::net {

class Connection;

// ReactorSettings in the units in which they are used. Constant while reactors run.
struct ReactorSettings {
  protocol::SessionLimits session;
  SendQueueLimits send_queue;
  hub::HeartbeatTicks heartbeat;
  Tick handshake_timeout = 0;
  Tick response_timeout = 0;
  Tick message_timeout = 0;
  Tick write_timeout = 0;
  Tick close_timeout = 0;
  std::uint32_t max_control_frames_per_second = 0;
  std::size_t max_input_bytes = 0;
  std::uint32_t max_connections = 0;
  std::uint32_t max_messages_per_second = 0;  // of one connection; 0: unlimited
  std::size_t max_bytes_per_second = 0;       // likewise
  std::size_t read_buffer_size = 0;
  Tick drain_window = 0;
  Tick drain_timeout = 0;
  int deflate_level = 1;
  std::size_t deflate_threshold = 0;
  protocol::TrustedProxies trusted_proxies;
};

// Counts that belong to the process. Each is a bound or a gauge by itself, hence relaxed; only the
// end of a connection is released to who waits for the count to reach zero.
struct ProcessCounts {
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> input_bytes{0};    // held for unfinished messages
  std::atomic<std::size_t> context_bytes{0};  // promised to compression contexts
  // The connections when the first reactor began to drain: each takes its window from them.
  std::atomic<std::size_t> at_drain{0};
  std::atomic<std::size_t> forced_closes{
      0};  // ended by drain or stop without their closing handshake
  // The reactors that have answered since it was last taken: a bit for each.
  std::atomic<std::uint64_t> answered{0};
};

// One for each reactor; its thread only, but for the counts.
struct ReactorContext {
  ReactorContext(const ReactorSettings& fixed, hub::Shard& own, Application& app,
                 ProcessCounts& process)
      : settings(fixed),
        shard(own),
        application(app),
        counts(process),
        fast_path(fixed.session.message.max_message_bytes >= protocol::Session::kMostSmall),
        cork(fixed.send_queue.high_water()),
        deflate_pool(fixed.deflate_level),
        encoder(deflate_pool, fixed.deflate_threshold),
        read_buffer(std::make_unique_for_overwrite<std::uint8_t[]>(fixed.read_buffer_size)) {
    if (fixed.max_messages_per_second != 0 || fixed.max_bytes_per_second != 0) {
      rates =
          std::make_unique<ReceiveRates>(fixed.max_messages_per_second, fixed.max_bytes_per_second);
    }
  }

  const ReactorSettings& settings;
  hub::Shard& shard;
  Application& application;
  ProcessCounts& counts;
  const bool fast_path;  // small messages may go theirs: max_message_bytes allows the largest

  Tick now = 0;
  std::uint64_t now_ns = 0;  // when the turn began
  Tally tally;
  ReactorStats stats;
  Cork cork;
  protocol::DeflatePool deflate_pool;
  MessageEncoder encoder;
  std::unique_ptr<std::uint8_t[]> read_buffer;
  BlockCache block_cache;
  std::unique_ptr<ReceiveRates> rates;  // null: what a connection sends a second is not limited

  Connection* reading = nullptr;  // whose read step runs
  std::size_t read_share = 0;     // bytes that each may read in this turn
  bool replaying = false;         // what is sent is history that was asked for

  // Each has capacity for all connections: to be put on a list must not need memory.
  std::vector<Connection*> ready;    // have input, or may have
  std::vector<Connection*> dirty;    // have output to flush
  std::vector<Connection*> ended;    // have ended in some way, to be seen to at the safe point
  std::vector<Connection*> paused;   // publishers left unread until a shard has caught up
  std::vector<Connection*> working;  // the list that is being worked off

  // Before a connection is made, their number with it.
  void make_room(std::size_t connections) {
    for (std::vector<Connection*>* each : {&ready, &dirty, &ended, &paused, &working}) {
      if (each->capacity() < connections) each->reserve(2 * connections);
    }
  }

  // Puts it on one of these lists, for which there is room: so no code for growing is woven in.
  static void list(std::vector<Connection*>& list, Connection& connection) noexcept {
    WSD_DCHECK(list.size() < list.capacity());
    if (list.size() == list.capacity()) __builtin_unreachable();
    list.push_back(&connection);
  }

  [[nodiscard]] MutableBytes read_span() const noexcept {
    return {read_buffer.get(), settings.read_buffer_size};
  }
};

}  // namespace wsd::net
