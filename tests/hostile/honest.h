// The client that does nothing wrong beside an attack: a process of its own, so that the attacker's
// work is not in what it measures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "support/subprocess.h"

namespace hostile {

// What the honest client has seen since the report before.
struct HonestReport {
  std::uint64_t answered = 0;  // echoes, each as it was sent and in order
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
  std::string fault;  // empty: each echo it sent has come back, and it is still connected
};

class Honest {
 public:
  // Starts it; it echoes from now on. Its first report waits for that many echoes.
  Honest(std::uint16_t port, std::size_t first_report);
  // Ends the phase: waits until what it has sent is answered.
  [[nodiscard]] HonestReport report();

  static constexpr int kConnections = 8;

 private:
  e2e::Subprocess process_;
  std::size_t seen_ = 0;
};

// What the process does: `wshostile --honest PORT ECHOES`. Returns when it is killed or has lost.
int run_honest(std::uint16_t port, std::size_t first_report);

}  // namespace hostile
