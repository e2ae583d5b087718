// Adds up the statistics of all reactors and shards.
#pragma once

#include "hub/shard.h"
#include "net/reactor_stats.h"
#include "wsd/stats.h"

namespace wsd::server {

// Any thread.
void add_reactor(ServerStats& total, const net::ReactorStats& reactor);
void add_shard(ServerStats& total, hub::Shard& shard);

}  // namespace wsd::server
