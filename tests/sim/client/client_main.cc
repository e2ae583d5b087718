// The program of the simulation of a client and a server (sim/seeds.h).
#include "sim/client/client_simulation.h"
#include "sim/seeds.h"

int main(int argc, char** argv) {
  wsd::sim::ClientTally all;
  wsd::sim::SeedProgram program;
  program.target = "sim-client";
  program.subject = "the client or the server";
  program.run = [&all](std::uint64_t seed, wsd::sim::Trace& trace) {
    wsd::sim::ClientSimulation simulation(seed, trace);
    const wsd::sim::ClientTally one = simulation.run();
    all.steps += one.steps;
    all.conversations += one.conversations;
    all.opened += one.opened;
    all.echoes += one.echoes;
    all.disturbed += one.disturbed;
    all.simulated_ms += one.simulated_ms;
    return one.hash;
  };
  program.totals = [&all] {
    return wsd::sim::text_of_format(
        "%lu connects, %lu opened, %lu disturbed, %lu echoes, %lu steps, %.0f s of simulated time",
        all.conversations, all.opened, all.disturbed, all.echoes, all.steps,
        static_cast<double>(all.simulated_ms) / 1000);
  };
  return wsd::sim::run_seeds(argc, argv, program);
}
