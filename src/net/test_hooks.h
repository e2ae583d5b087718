// Functions that do nothing, for the linker's --wrap. They have C names, so that a renamed type
// does not change the symbol, and a file of their own, because --wrap reaches only calls between
// files.
#pragma once

#include "hub/shard.h"
#include "net/process_counters.h"

namespace wsd::net {

// Reactor::attach() calls this function first. The fault tests use it to find every shard.
extern "C" void wsd_reactor_attached(hub::Shard* shard, ProcessCounters* counters) noexcept;

}  // namespace wsd::net
