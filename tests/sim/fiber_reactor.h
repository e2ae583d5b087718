// A reactor on a fiber. It pauses in epoll_wait, and anything may happen between two turns.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "net/reactor.h"
#include "sim/allocation_faults.h"
#include "sim/fiber.h"
#include "sim/kernel.h"

namespace wsd::sim {

struct FiberReactor {
  std::unique_ptr<net::Reactor> reactor = std::make_unique<net::Reactor>();
  Fiber fiber;
  int epoll = -1;  // of the current sleep; -1: between two turns
  std::uint64_t until_ms = 0;
  bool interrupted = false;

  // Begins to run turns, until the reactor has finished.
  void start() {
    fiber.start([this] {
      while (!reactor->finished()) {
        reactor->turn(-1);
        epoll = -1;
        pause();
      }
    });
  }
  // For Kernel::sleep, while this reactor runs. Returns false if the call was interrupted.
  [[nodiscard]] bool sleep(int of, std::uint64_t until) {
    epoll = of;
    until_ms = until;
    pause();
    return !std::exchange(interrupted, false);
  }
  // Returns whether it has a reason to go on.
  [[nodiscard]] bool runnable(Kernel& kernel) const {
    if (fiber.ended()) return false;
    return epoll < 0 || kernel.now_ms() >= until_ms || kernel.ready(epoll);
  }

 private:
  void pause() {
    const AllocationFaults::OtherStack other;
    fiber.pause();
  }
};

}  // namespace wsd::sim
