// One run: the lives of one server over one disk, from one seed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sim/history/disk.h"
#include "sim/history/life.h"
#include "sim/history/observer.h"
#include "sim/random.h"
#include "sim/trace.h"

namespace wsd::sim {

// Totals over runs.
struct HistoryTally {
  std::uint64_t lives = 0;
  std::uint64_t messages = 0;  // that somebody has seen
  std::uint64_t kills = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t failures = 0;  // lives in which the disk failed
  std::uint64_t calls = 0;     // of the disk
  std::uint64_t hash = 0;
};

class HistorySimulation {
 public:
  HistorySimulation(std::uint64_t seed, Trace& trace);
  HistorySimulation(const HistorySimulation&) = delete;
  HistorySimulation& operator=(const HistorySimulation&) = delete;
  ~HistorySimulation();

  // Runs to the end. A violated invariant ends the process through broken().
  HistoryTally run();

 private:
  void live();
  void run_steps(Life& life);
  void fail_disk();
  void end(Life& life, bool started);
  void happen();
  void take_backup();

  Random random_;
  Trace& trace_;
  LifePlan plan_;
  Disk disk_;
  Observer observer_;
  HistoryTally tally_;
  bool goes_on_ = false;  // the next start must continue the epochs
  bool power_loss_ = false;
  bool flipped_ = false;  // a bit has changed since the last start
  bool damage_expected_ = false;
  bool varies_ = false;   // settings change between lives
  unsigned dying_ = 0;    // percent of lives that end in their start
  unsigned failing_ = 0;  // percent of lives in which the disk fails
  std::uint64_t lives_ = 0;
  bool expires_ = false;  // messages become too old
  // A backup, and when it was made.
  std::optional<Disk::Copy> backup_;
  std::shared_ptr<const Disk::Snapshot> snapshot_;
  std::uint64_t backed_up_ = 0;
};

}  // namespace wsd::sim
