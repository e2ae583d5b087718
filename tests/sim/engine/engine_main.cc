// wsd_engine_sim [--seeds N] [--first S] [--trace] | --seed S: runs the simulation of nodes on an
// engine, once for each seed.
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/name_hash.h"
#include "sim/engine/engine_simulation.h"

namespace {

std::uint64_t seed_under_way = 0;

[[noreturn]] void end_failed() {
  static_cast<void>(std::printf("replay: make sim-engine SEED=%lu\n", seed_under_way));
  static_cast<void>(std::fflush(stdout));
  std::_Exit(1);
}

void on_crash(int signal) {
  static_cast<void>(
      std::printf("FAILED seed %lu: a node crashed (signal %d)\n", seed_under_way, signal));
  end_failed();
}

}  // namespace

namespace wsd::sim {

void broken(const char* format, ...) {
  static_cast<void>(std::printf("FAILED seed %lu: ", seed_under_way));
  va_list arguments;
  va_start(arguments, format);
  static_cast<void>(std::vprintf(format, arguments));
  va_end(arguments);
  static_cast<void>(std::putchar('\n'));
  end_failed();
}

}  // namespace wsd::sim

extern "C" {
// Every run has the same keys of hash tables, so that it is the same in every process.
std::uint64_t __wrap_wsd_random_word() noexcept;                                // NOLINT
std::uint64_t __wrap_wsd_random_word() noexcept { return 0x0F0E0D0C0B0A0908; }  // NOLINT
}

int main(int argc, char** argv) {
  std::uint64_t seeds = 1'000;
  std::uint64_t first = 1;
  bool tracing = false;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const bool last = i + 1 == argc;
    if (option == "--trace") {
      tracing = true;
    } else if (option == "--seeds" && !last) {
      seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (option == "--first" && !last) {
      first = std::strtoull(argv[++i], nullptr, 10);
    } else if (option == "--seed" && !last) {
      first = std::strtoull(argv[++i], nullptr, 10);
      seeds = 1;
      tracing = true;
    } else {
      static_cast<void>(std::fprintf(
          stderr, "usage: wsd_engine_sim [--seeds N] [--first S] [--trace] | --seed S\n"));
      return 2;
    }
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_crash);
  static_cast<void>(wsd::process_hash_key());
  wsd::sim::EngineTally all;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < seeds; ++i) {
    seed_under_way = first + i;
    wsd::sim::Trace trace(tracing);
    wsd::sim::EngineSimulation simulation(seed_under_way, trace);
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
    all.hash = all.hash * 31 + one.hash;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  static_cast<void>(std::printf(
      "sim-engine: seeds %lu to %lu passed: %lu messages, %lu deliveries, %lu refused, %lu "
      "unknown, "
      "%lu doubled, %lu gaps; %lu faults, %lu killed nodes, %lu failovers, %lu calm runs; %.0f "
      "runs/s; hash %016lx\n",
      first, first + seeds - 1, all.messages, all.deliveries, all.refused, all.unknown, all.doubled,
      all.gaps, all.faults, all.kills, all.failovers, all.calm,
      static_cast<double>(seeds) / took.count(), all.hash));
  return 0;
}
