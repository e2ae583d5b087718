#include "net/test_hooks.h"

namespace wsd::net {

extern "C" void wsd_reactor_attached(hub::Shard* /*shard*/,
                                     ProcessCounters* /*counters*/) noexcept {}

}  // namespace wsd::net
