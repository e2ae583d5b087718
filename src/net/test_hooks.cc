#include "net/test_hooks.h"

namespace wsd::net {

extern "C" void wsd_reactor_attached(hub::Shard* /*shard*/, ProcessCounts* /*counts*/) noexcept {}

}  // namespace wsd::net
