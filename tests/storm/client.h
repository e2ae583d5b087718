// A thread with clients of a storm's server. They check the order of what they get.
#pragma once

#include <atomic>
#include <cstdint>

namespace wsd::storm {

struct Ports {
  std::uint16_t own = 0;
  std::uint16_t adopted = 0;
};

// Runs clients until `over`.
void run_clients(Ports ports, std::uint64_t seed, const std::atomic<bool>& over);

// Connects once more and fails the run if the server does not answer.
void check_alive(Ports ports);

}  // namespace wsd::storm
