#include "sim/history/history_simulation.h"

#include <algorithm>
#include <array>
#include <span>

#include "sim/history/clock.h"
#include "wsd/history_log.h"

namespace wsd::sim {
namespace {

HistorySync mode_of(Random& random) {
  const std::uint64_t choice = random.below(10);
  if (choice < 5) return HistorySync::kEach;
  return choice < 8 ? HistorySync::kInterval : HistorySync::kOff;
}

LifePlan plan_of(Random& random) {
  LifePlan plan;
  plan.mode = mode_of(random);
  plan.interval_ms = static_cast<std::uint32_t>(random.between(1, 100));
  plan.shards = static_cast<std::uint32_t>(random.between(1, 3));
  plan.rooms = static_cast<int>(random.between(1, 3));
  plan.limit = static_cast<std::uint32_t>(random.between(2, 30));
  constexpr std::array<std::size_t, 4> kSegments = {1024, 2048, 4096, 16'384};
  plan.segment_bytes = random.one_of(std::span<const std::size_t>(kSegments));
  plan.filler = random.chance(30) ? 400 : 40;
  return plan;
}

}  // namespace

HistorySimulation::HistorySimulation(std::uint64_t seed, Trace& trace)
    : random_(seed),
      trace_(trace),
      plan_(plan_of(random_)),
      disk_(kLogDirectory, random_.chance(50), random_, trace),
      observer_(disk_, plan_.mode, plan_.rooms),
      varies_(random_.chance(30)),
      dying_(random_.chance(50) ? 20 : 0),
      failing_(random_.chance(40) ? 40 : 0),
      lives_(random_.between(2, 7)),
      expires_(random_.chance(10)) {
  Clock::reset();
  if (expires_) {
    plan_.age = random_.between(5, 200);
    observer_.set_expiry();
  }
  trace_.note("mode %d, %u shards, %d rooms, limit %u, segments of %zu bytes",
              static_cast<int>(plan_.mode), plan_.shards, plan_.rooms, plan_.limit,
              plan_.segment_bytes);
}

HistorySimulation::~HistorySimulation() = default;

HistoryTally HistorySimulation::run() {
  for (std::uint64_t i = 0; i < lives_; ++i) live();
  tally_.lives = lives_;
  tally_.messages = observer_.seen_count();
  tally_.calls = disk_.calls();
  trace_.count(tally_.messages, tally_.calls, tally_.kills);
  tally_.hash = trace_.hash();
  return tally_;
}

void HistorySimulation::live() {
  if (varies_) {
    plan_.shards = static_cast<std::uint32_t>(random_.between(1, 3));
    plan_.limit = static_cast<std::uint32_t>(random_.between(2, 30));
    if (expires_) plan_.age = random_.chance(50) ? random_.between(5, 200) : LifePlan().age;
  }
  trace_.note("a life begins: %u shards, limit %u", plan_.shards, plan_.limit);
  observer_.set_blind(false);
  const bool dies_early = random_.chance(dying_);
  const bool fails_early = !dies_early && random_.chance(failing_ / 8);
  if (dies_early) disk_.die_after(random_.below(60));
  if (fails_early) fail_disk();
  {
    Life life(plan_, disk_, observer_, random_, trace_);
    const std::string error = life.start();
    if (!error.empty()) trace_.note("  it does not start: %s", error.c_str());
    if (!error.empty() && !disk_.dead() && !fails_early) {
      broken("the server does not start: %s", error.c_str());
    }
    if (life.damaged() && !damage_expected_ && !fails_early)
      broken("the log is damaged without need");
    if (fails_early) goes_on_ = false;
    if (error.empty() && !disk_.dead()) {
      observer_.on_started();
      flipped_ = false;
      life.check_restored(goes_on_);
      goes_on_ = true;
      disk_.faults = {};
      run_steps(life);
    }
    end(life, error.empty());
  }
  if (power_loss_) disk_.lose_power();
  disk_.end_process();
  happen();
}

void HistorySimulation::run_steps(Life& life) {
  const std::uint64_t steps = random_.between(10, 150);
  const bool fails = random_.chance(failing_);
  const std::uint64_t fails_at = random_.below(steps);
  const std::uint64_t lasts = random_.between(1, 40);
  for (std::uint64_t i = 0; i < steps && !disk_.dead(); ++i) {
    if (fails && i == fails_at) fail_disk();
    if (fails && i == fails_at + lasts) {
      disk_.faults = {};
      // The log tries again once per second.
      if (random_.chance(60)) Clock::pass_ms(1'100);
    }
    if (random_.chance(1)) take_backup();
    life.step();
  }
  if (disk_.dead() || !random_.chance(40)) return;
  disk_.faults = {};
  life.check_recovery();
}

void HistorySimulation::fail_disk() {
  ++tally_.failures;
  observer_.on_disk_failed();
  // What is not kept is cut off, and the process may die before it is known.
  damage_expected_ = true;
  DiskFaults& faults = disk_.faults;
  const auto some = [this] {
    return random_.chance(40) ? static_cast<unsigned>(random_.between(1, 60)) : 0;
  };
  faults.write_error = some();
  faults.sync_error = some();
  faults.create_error = some();
  faults.unlink_error = some();
  faults.interrupted = some() / 3;
  faults.short_count = some();
  faults.no_space = random_.chance(20);
  faults.read_only = random_.chance(10);
  trace_.note("  the disk fails: write %u, sync %u, create %u, unlink %u, full %d, read-only %d",
              faults.write_error, faults.sync_error, faults.create_error, faults.unlink_error,
              faults.no_space ? 1 : 0, faults.read_only ? 1 : 0);
}

void HistorySimulation::take_backup() {
  backed_up_ = observer_.time();
  backup_.reset();
  snapshot_ = nullptr;
  if (random_.chance(70)) {
    backup_ = disk_.copy();
  } else {
    snapshot_ = disk_.snapshot();
  }
  trace_.note("  a backup is made");
}

void HistorySimulation::end(Life& life, bool started) {
  const std::uint64_t choice = random_.below(10);
  const bool stops = choice < 3 && started;
  if (stops && !disk_.dead()) {
    trace_.note("  the server stops");
    if (random_.chance(20)) disk_.die_after(random_.below(12));
    life.stop();
  } else if (started && !disk_.dead()) {
    disk_.die_after(random_.below(20));
    for (int i = 0; i < 100 && !disk_.dead(); ++i) life.step();
  }
  const bool stopped = stops && !disk_.dead();
  // A header that has changed, and records that a power loss took with them: no one can tell that
  // there was a segment.
  power_loss_ = !flipped_ && (stopped ? random_.chance(20) : choice >= 6);
  tally_.kills += !stopped && !power_loss_ ? 1 : 0;
  tally_.power_losses += power_loss_ ? 1 : 0;
  trace_.note("  the life has ended%s%s", stopped ? " cleanly" : "",
              power_loss_ ? ", the power is lost" : "");
  if (observer_.log_is_failed() || disk_.faults.any()) goes_on_ = false;
  // A clean end is on disk in every mode, but in kOff only the end itself is.
  const bool forgets = power_loss_ && (!stopped || plan_.mode == HistorySync::kOff);
  if (forgets && plan_.mode != HistorySync::kEach) goes_on_ = false;
  observer_.on_end_of_life(forgets, power_loss_ || disk_.failed_truncates() != 0, plan_.limit);
  // Without syncs, any part of any segment may be lost, and what is before it with it.
  if (forgets && plan_.mode == HistorySync::kOff) {
    damage_expected_ = true;
    observer_.forgive_all();
  }
}

// What may happen to the files between two lives.
void HistorySimulation::happen() {
  const std::uint64_t choice = random_.below(100);
  if (choice < 5) {
    if (!disk_.flip_bit()) return;
    observer_.forgive_all();
    flipped_ = damage_expected_ = true;
  } else if (choice < 13 && backup_) {
    trace_.note("the backup is restored");
    disk_.restore(*backup_);
    observer_.forgive_after(backed_up_);
  } else if (choice < 20 && snapshot_ != nullptr) {
    trace_.note("the snapshot is restored");
    disk_.restore(*snapshot_);
    observer_.forgive_refusals();  // what was cut off may not have been synced
    damage_expected_ = true;       // a torn end of the log, although the system has not begun again
    if (plan_.mode == HistorySync::kEach) {
      observer_.forgive_after(backed_up_);
    } else {
      observer_.forgive_all();
    }
    const std::string error = begin_new_epochs(kLogDirectory);
    if (!error.empty()) broken("new epochs cannot begin: %s", error.c_str());
    disk_.end_process();
  } else {
    return;
  }
  goes_on_ = false;
}

}  // namespace wsd::sim
