#include "sim/seeds.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "base/name_hash.h"

namespace wsd::sim {
namespace {

std::uint64_t seed_under_way = 0;
const SeedProgram* running = nullptr;

[[noreturn]] void end_failed() {
  if (running != nullptr) {
    static_cast<void>(
        std::printf("replay: make %s SEED=%lu\n", running->target.c_str(), seed_under_way));
  }
  static_cast<void>(std::fflush(stdout));
  std::_Exit(1);
}

void on_crash(int signal) {
  static_cast<void>(std::printf("FAILED seed %lu: %s crashed (signal %d)\n", seed_under_way,
                                running->subject.c_str(), signal));
  end_failed();
}

struct Choice {
  std::uint64_t seeds = 1'000;
  std::uint64_t first = 1;
  bool tracing = false;
};

bool read_options(int argc, char** argv, Choice& choice) {
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const bool last = i + 1 == argc;
    if (option == "--trace") {
      choice.tracing = true;
    } else if (option == "--seeds" && !last) {
      choice.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (option == "--first" && !last) {
      choice.first = std::strtoull(argv[++i], nullptr, 10);
    } else if (option == "--seed" && !last) {
      choice = {1, std::strtoull(argv[++i], nullptr, 10), true};
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

void broken(const char* format, ...) {
  static_cast<void>(std::printf("FAILED seed %lu: ", seed_under_way));
  va_list arguments;
  va_start(arguments, format);
  static_cast<void>(std::vprintf(format, arguments));
  va_end(arguments);
  static_cast<void>(std::putchar('\n'));
  end_failed();
}

std::string text_of_format(const char* format, ...) {
  std::array<char, 1'000> text{};
  va_list arguments;
  va_start(arguments, format);
  static_cast<void>(std::vsnprintf(text.data(), text.size(), format, arguments));
  va_end(arguments);
  return text.data();
}

int run_seeds(int argc, char** argv, const SeedProgram& program) {
  Choice choice;
  if (!read_options(argc, argv, choice)) {
    static_cast<void>(std::fprintf(
        stderr, "usage: %s [--seeds N] [--first S] [--trace] | %s --seed S\n", argv[0], argv[0]));
    return 2;
  }
  running = &program;
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_crash);
  // Drawn before the first run, so that each run is the same in every process.
  static_cast<void>(process_hash_key());
  std::uint64_t hash = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < choice.seeds; ++i) {
    seed_under_way = choice.first + i;
    Trace trace(choice.tracing);
    hash = hash * 31 + program.run(seed_under_way, trace);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  static_cast<void>(std::printf("%s: seeds %lu to %lu passed: %s; %.0f runs/s; hash %016lx\n",
                                program.target.c_str(), choice.first,
                                choice.first + choice.seeds - 1, program.totals().c_str(),
                                static_cast<double>(choice.seeds) / took.count(), hash));
  return 0;
}

}  // namespace wsd::sim
