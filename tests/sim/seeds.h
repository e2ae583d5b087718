// The command line of a simulation: which seeds run, and what it prints when one of them fails.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sim/broken.h"
#include "sim/trace.h"

namespace wsd::sim {

struct SeedProgram {
  std::string target;  // of make, which replays a seed
  // What has crashed if a signal ends the process, like "the server".
  std::string subject;
  // Runs one seed, and returns the hash of its trace.
  std::function<std::uint64_t(std::uint64_t seed, Trace& trace)> run;
  // Returns the totals of all seeds, as a part of a sentence.
  std::function<std::string()> totals;
};

// [--seeds N] [--first S] [--trace] | --seed S: runs the program once for each seed, and prints the
// totals. Returns the exit code. A failed seed ends the process through broken().
[[nodiscard]] int run_seeds(int argc, char** argv, const SeedProgram& program);

// Returns text in printf's format.
[[nodiscard]] [[gnu::format(printf, 1, 2)]] std::string text_of_format(const char* format, ...);

}  // namespace wsd::sim
