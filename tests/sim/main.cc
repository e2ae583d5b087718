// The program of the simulation of a server and its peers (seeds.h).
#include <cstdio>

#include "sim/seeds.h"
#include "sim/simulation.h"

int main(int argc, char** argv) {
  wsd::sim::Tally all;
  wsd::sim::SeedProgram program;
  program.target = "sim";
  program.subject = "the server";
  program.run = [&all](std::uint64_t seed, wsd::sim::Trace& trace) {
    wsd::sim::Simulation simulation(seed, trace);
    const wsd::sim::Tally one = simulation.run();
    all.steps += one.steps;
    all.connections += one.connections;
    all.messages += one.messages;
    all.simulated_ms += one.simulated_ms;
    for (std::size_t k = 0; k < one.causes.size(); ++k) all.causes[k] += one.causes[k];
    return one.hash;
  };
  program.totals = [&all] {
    for (std::size_t k = 0; k < all.causes.size(); ++k) {
      if (all.causes[k] == 0) continue;
      const auto name = wsd::close_cause_name(static_cast<wsd::CloseCause>(k));
      static_cast<void>(std::printf("  %-20.*s %10lu\n", static_cast<int>(name.size()), name.data(),
                                    all.causes[k]));
    }
    return wsd::sim::text_of_format(
        "%lu connections, %lu messages, %lu steps, %.0f s of simulated time", all.connections,
        all.messages, all.steps, static_cast<double>(all.simulated_ms) / 1000);
  };
  return wsd::sim::run_seeds(argc, argv, program);
}
