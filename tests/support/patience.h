// How long a test waits for an event that must happen. It is not a measure of speed. It only
// decides when a test gives up, so it is far longer than a busy machine needs.
#pragma once

#include <chrono>
#include <thread>

namespace e2e {

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;

// Returns 30 seconds, or more under a sanitizer, times the environment variable WSD_TEST_PATIENCE.
[[nodiscard]] Duration patience();

// Returns whether the server is built with a sanitizer (environment variable WSD_TEST_SANITIZED).
// Memory figures below tens of megabytes are then meaningless.
[[nodiscard]] bool sanitized();

// Checks `condition()` every few milliseconds until it holds. For conditions without an event to
// wait for, such as a file of /proc. Returns false if patience() ran out.
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
