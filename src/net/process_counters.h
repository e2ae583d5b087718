// The counters that all reactors of a process share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "net/accept_balance.h"
#include "net/memory_budget.h"
#include "net/memory_release.h"

namespace wsd::net {

// Any thread. Each counter is a limit or a gauge that no other data depends on, so its accesses are
// relaxed. The exception is the end of a connection: it is a release, and a thread that waits for
// zero connections acquires it.
struct ProcessCounters {
  MemoryBudget input;   // of incomplete messages and requests
  MemoryBudget output;  // of send queues
  std::atomic<std::size_t> connections{0};
  // Reactors that run and still accept connections, which may need rooms of any other reactor.
  std::atomic<std::uint32_t> accepting{0};
  std::atomic<std::size_t> context_bytes{0};  // reserved for compression contexts
  // The number of connections when the first reactor began to drain. Every reactor computes its
  // drain window from it.
  std::atomic<std::size_t> at_drain{0};
  // Connections that a drain or a stop has ended before their closing handshake was complete.
  std::atomic<std::size_t> forced_closes{0};
  // One bit per reactor that has reported itself alive since the value was last cleared.
  std::atomic<std::uint64_t> answered{0};
  TrimGate trim_gate;
  AcceptBalance balance;  // has the reasons for its memory orders
};

}  // namespace wsd::net
