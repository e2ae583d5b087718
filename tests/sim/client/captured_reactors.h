// The reactors of the library's threads. The simulation runs them on fibers instead.
#pragma once

#include <cstddef>
#include <vector>

#include "net/reactor.h"

namespace wsd::sim {

// A thread of the library that calls Reactor::run() leaves its reactor here, and ends. Waits until
// `count` threads have done so. Returns the reactors in the order of their shards.
[[nodiscard]] std::vector<net::Reactor*> take_reactors(std::size_t count);

// Calls the library's Reactor::run(). On a fiber.
void run_reactor(net::Reactor& reactor);

}  // namespace wsd::sim
