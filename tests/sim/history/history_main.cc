// The program of the simulation of the history log (sim/seeds.h).
#include "sim/history/history_simulation.h"
#include "sim/seeds.h"

int main(int argc, char** argv) {
  wsd::sim::HistoryTally all;
  wsd::sim::SeedProgram program;
  program.target = "sim-history";
  program.subject = "the server";
  program.run = [&all](std::uint64_t seed, wsd::sim::Trace& trace) {
    wsd::sim::HistorySimulation simulation(seed, trace);
    const wsd::sim::HistoryTally one = simulation.run();
    all.lives += one.lives;
    all.messages += one.messages;
    all.kills += one.kills;
    all.power_losses += one.power_losses;
    all.failures += one.failures;
    all.calls += one.calls;
    return one.hash;
  };
  program.totals = [&all] {
    return wsd::sim::text_of_format(
        "%lu lives, %lu kills, %lu power losses, %lu with a failing disk; %lu messages, %lu system "
        "calls",
        all.lives, all.kills, all.power_losses, all.failures, all.messages, all.calls);
  };
  return wsd::sim::run_seeds(argc, argv, program);
}
