// How long a test waits for something that has to happen. Never a measure of speed: the bound only
// decides when a test gives up, so it is far above what a busy machine needs.
#pragma once

#include <chrono>
#include <thread>

namespace e2e {

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;

// 30 seconds, more under a sanitizer, times the environment's WSD_TEST_PATIENCE.
[[nodiscard]] Duration patience();

// Whether the server is built with a sanitizer, as the environment's WSD_TEST_SANITIZED says: its
// bookkeeping makes figures of memory meaningless below tens of megabytes.
[[nodiscard]] bool sanitized();

// Looks every few milliseconds until `condition()` holds, for what has no event to wait for, such
// as a file of /proc. False when patience ran out.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition, Duration limit = patience()) {
  const auto deadline = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace e2e
