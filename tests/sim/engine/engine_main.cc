// The program of the simulation of nodes on an engine (sim/seeds.h).
#include "sim/allocation_faults.h"
#include "sim/engine/engine_simulation.h"
#include "sim/random_words.h"
#include "sim/seeds.h"

extern "C" {
std::uint64_t __wrap_wsd_random_word() noexcept;                                  // NOLINT
std::uint64_t __wrap_wsd_random_word() noexcept { return wsd::sim::kUsualWord; }  // NOLINT
}

int main(int argc, char** argv) {
  wsd::sim::EngineTally all;
  wsd::sim::SeedProgram program;
  program.target = "sim-engine";
  program.subject = "a node";
  program.run = [&all](std::uint64_t seed, wsd::sim::Trace& trace) {
    wsd::sim::EngineSimulation simulation(seed, trace);
    const wsd::sim::EngineTally one = simulation.run();
    all.messages += one.messages;
    all.deliveries += one.deliveries;
    all.refused += one.refused;
    all.unknown += one.unknown;
    all.doubled += one.doubled;
    all.gaps += one.gaps;
    all.faults += one.faults;
    all.kills += one.kills;
    all.failovers += one.failovers;
    all.calm += one.calm;
    all.clusters += one.clusters;
    all.moves += one.moves;
    return one.hash;
  };
  program.totals = [&all] {
    return wsd::sim::text_of_format(
        "%lu messages, %lu deliveries, %lu refused, %lu unknown, %lu doubled, %lu gaps; %lu "
        "faults, %lu killed nodes, %lu failovers, %lu moves of slots, %lu failed allocations; %lu "
        "calm runs, %lu runs with a cluster",
        all.messages, all.deliveries, all.refused, all.unknown, all.doubled, all.gaps, all.faults,
        all.kills, all.failovers, all.moves, wsd::sim::AllocationFaults::count(), all.calm,
        all.clusters);
  };
  return wsd::sim::run_seeds(argc, argv, program);
}
