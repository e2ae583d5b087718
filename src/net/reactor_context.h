// The state that a reactor shares with its connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/block_cache.h"
#include "base/bytes.h"
#include "base/tick.h"
#include "hub/shard.h"
#include "net/application.h"
#include "net/application_timer.h"
#include "net/cork.h"
#include "net/memory_budget.h"
#include "net/message_encoder.h"
#include "net/poller.h"
#include "net/process_counters.h"
#include "net/reactor_settings.h"
#include "net/reactor_stats.h"
#include "net/receive_rates.h"
#include "net/suspensions.h"
#include "net/work_lists.h"
#include "protocol/deflate.h"
#include "protocol/masking_keys.h"
#include "protocol/session.h"

namespace wsd::net {

class Connection;

// One per reactor, with the reactor's lifetime. Reactor thread only, except for the counters and
// the statistics. Everything that the constructor takes must outlive it.
struct ReactorContext {
  ReactorContext(const ReactorSettings& fixed, Poller& waiting, hub::Shard& own, Application& app,
                 ProcessCounters& process)
      : settings(fixed),
        poller(waiting),
        shard(own),
        application(app),
        counters(process),
        input(process.input, own.index(), fixed.max_input_bytes),
        output(process.output, own.index(), fixed.max_output_bytes),
        fast_path(fixed.all_accept(protocol::Session::kMostSmall)),
        cork(fixed.send_queue.high_water()),
        deflate_pool(fixed.deflate_level),
        encoder(deflate_pool, fixed.deflate_threshold),
        read_buffer(std::make_unique_for_overwrite<std::uint8_t[]>(fixed.read_buffer_size)) {
    if (fixed.any_receive_rate()) rates = std::make_unique<ReceiveRates>(suspensions);
  }

  const ReactorSettings& settings;
  Poller& poller;
  hub::Shard& shard;
  Application& application;
  ProcessCounters& counters;
  BudgetShare input;     // incomplete messages and requests
  BudgetShare output;    // send queues
  const bool fast_path;  // each max_message_bytes allows every message of the fast path

  Tick now = 0;
  std::uint64_t now_ns = 0;  // when the turn began
  Suspensions suspensions;   // that `now` leaves out
  Tally tally;
  ReactorStats stats;
  Cork cork;
  protocol::DeflatePool deflate_pool;
  MessageEncoder encoder;
  protocol::MaskingKeys masking_keys;  // of the connections in the client's role
  std::unique_ptr<std::uint8_t[]> read_buffer;
  BlockCache block_cache;
  std::unique_ptr<ReceiveRates> rates;  // null: no connection has limits on its receive rates

  Connection* reading = nullptr;  // the connection in its read step; see CurrentRead
  std::size_t read_share = 0;     // bytes that one connection may read in this turn
  bool replaying = false;         // the frames that are sent now are history that was asked for

  WorkLists lists;
  ApplicationTimers timers;  // those of the server, not of a connection

  [[nodiscard]] MutableBytes read_span() const noexcept {
    return {read_buffer.get(), settings.read_buffer_size};
  }
};

}  // namespace wsd::net
