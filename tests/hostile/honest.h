// The honest client beside an attack. It is a separate process, so that its figures do not include
// the attacker's work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "support/subprocess.h"

namespace hostile {

// The figures of the honest client since its previous report.
struct HonestReport {
  std::uint64_t answered = 0;  // echoes that came back unchanged and in order
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
  std::string fault;  // empty: every echo came back, and the client is still connected
};

class Honest {
 public:
  // Starts the client, which echoes from now on. Its first report waits for that many echoes.
  Honest(std::uint16_t port, std::size_t first_report);
  // Ends the phase: waits until every sent echo is answered.
  [[nodiscard]] HonestReport report();

  static constexpr int kConnections = 8;

 private:
  e2e::Subprocess process_;
  std::size_t seen_ = 0;
};

// The main function of the process: `wshostile --honest PORT ECHOES`. Returns if it is killed or
// has lost its connection.
int run_honest(std::uint16_t port, std::size_t first_report);

}  // namespace hostile
