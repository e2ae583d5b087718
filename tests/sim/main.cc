// sim [--seeds N] [--first S] [--trace] | sim --seed S: runs the simulation, once for each seed.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sim/simulation.h"

namespace {

std::uint64_t seed_under_way = 0;
bool tracing = false;

[[noreturn]] void end_failed() {
  static_cast<void>(std::printf("replay: make sim SEED=%lu\n", seed_under_way));
  static_cast<void>(std::fflush(stdout));
  std::_Exit(1);
}

void on_crash(int signal) {
  static_cast<void>(
      std::printf("FAILED seed %lu: the server crashed (signal %d)\n", seed_under_way, signal));
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

int main(int argc, char** argv) {
  std::uint64_t seeds = 1'000;
  std::uint64_t first = 1;
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
      static_cast<void>(
          std::fprintf(stderr, "usage: sim [--seeds N] [--first S] [--trace] | sim --seed S\n"));
      return 2;
    }
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_crash);
  wsd::sim::Tally all;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < seeds; ++i) {
    seed_under_way = first + i;
    wsd::sim::Trace trace(tracing);
    wsd::sim::Simulation simulation(seed_under_way, trace);
    const wsd::sim::Tally one = simulation.run();
    all.steps += one.steps;
    all.connections += one.connections;
    all.messages += one.messages;
    all.simulated_ms += one.simulated_ms;
    all.hash = all.hash * 31 + one.hash;
    for (std::size_t k = 0; k < one.causes.size(); ++k) all.causes[k] += one.causes[k];
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  for (std::size_t k = 0; k < all.causes.size(); ++k) {
    if (all.causes[k] == 0) continue;
    const auto name = wsd::close_cause_name(static_cast<wsd::CloseCause>(k));
    static_cast<void>(std::printf("  %-20.*s %10lu\n", static_cast<int>(name.size()), name.data(),
                                  all.causes[k]));
  }
  static_cast<void>(std::printf(
      "sim: seeds %lu to %lu passed: %lu connections, %lu messages, %lu steps, %.0f s of simulated "
      "time; %.0f runs/s; hash %016lx\n",
      first, first + seeds - 1, all.connections, all.messages, all.steps,
      static_cast<double>(all.simulated_ms) / 1000, static_cast<double>(seeds) / took.count(),
      all.hash));
  return 0;
}
