// The program of the simulation of nodes over a kernel and a Redis (sim/seeds.h).
#include "sim/engine_kernel/kernel_simulation.h"
#include "sim/seeds.h"

int main(int argc, char** argv) {
  wsd::sim::KernelTally all;
  wsd::sim::SeedProgram program;
  program.target = "sim-engine-kernel";
  program.subject = "a node";
  program.run = [&all](std::uint64_t seed, wsd::sim::Trace& trace) {
    wsd::sim::KernelSimulation simulation(seed, trace);
    const wsd::sim::KernelTally one = simulation.run();
    all.steps += one.steps;
    all.messages += one.messages;
    all.deliveries += one.deliveries;
    all.refused += one.refused;
    all.unknown += one.unknown;
    all.gaps += one.gaps;
    all.faults += one.faults;
    all.failed_allocations += one.failed_allocations;
    all.echoes += one.echoes;
    all.calm += one.calm;
    return one.hash;
  };
  program.totals = [&all] {
    return wsd::sim::text_of_format(
        "%lu steps, %lu messages, %lu deliveries, %lu refused, %lu unknown, %lu gaps; %lu faults, "
        "%lu failed allocations, %lu wires besides, %lu calm runs",
        all.steps, all.messages, all.deliveries, all.refused, all.unknown, all.gaps, all.faults,
        all.failed_allocations, all.echoes, all.calm);
  };
  return wsd::sim::run_seeds(argc, argv, program);
}
