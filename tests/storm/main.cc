// wsd_storm [--seconds N] [--seed S]: calls the whole public interface at random.
//
// Four reactors serve clients, while handlers and other threads call every function of include/wsd
// on connections that live, end or have ended. After a few seconds the server is drained or stopped
// in the middle of that, destroyed, and the next one starts. Sanitizers judge the memory and the
// threads, the clients judge order and completeness, and the program judges a clean end.
//
// The seed decides what each thread does, but not how the threads interleave.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "storm/client.h"
#include "storm/record.h"
#include "storm/server.h"

namespace wsd::storm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kClientThreads = 2;
constexpr std::uint64_t kLongestCycleMs = 4'000;
constexpr std::uint64_t kLeastCycles = 4;

void run_server(std::uint64_t seed, Clock::time_point until) {
  StormServer server(seed);
  const Ports ports{server.port(), server.adopted_port()};
  std::atomic<bool> over{false};
  std::vector<std::thread> clients;
  for (std::uint64_t i = 0; i < kClientThreads; ++i) {
    clients.emplace_back([&, i] { run_clients(ports, seed * 10 + i, over); });
  }
  server.begin();
  std::this_thread::sleep_until(until);
  check_alive(ports);
  server.end(seed % 2 == 0);
  over.store(true);
  for (std::thread& each : clients) each.join();
}

void run_cycle(std::uint64_t seed, Clock::time_point until) {
  run_server(seed, until);
  StormServer::check_nothing_left();
  record().cycles.fetch_add(1);
}

int run(std::uint64_t seconds, std::uint64_t seed) {
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  const std::chrono::milliseconds cycle(std::min(kLongestCycleMs, seconds * 1'000 / kLeastCycles));
  for (std::uint64_t i = 0; i < kLeastCycles || Clock::now() < end; ++i) {
    run_cycle(seed * 1'000 + i, Clock::now() + cycle);
  }
  const Record& done = record();
  static_cast<void>(std::printf(
      "storm: %lu s with seed %lu: %lu servers, %lu connections, %lu echoes, %lu messages of rooms "
      "and threads, %lu HTTP responses\n",
      seconds, seed, done.cycles.load(), done.connections.load(), done.echoes.load(),
      done.deliveries.load(), done.responses.load()));
  if (const std::size_t missing = done.missing(); missing != kCalls) {
    static_cast<void>(
        std::fprintf(stderr, "storm: FAILED: call %zu of record.h was never made\n", missing));
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace wsd::storm

int main(int argc, char** argv) {
  std::uint64_t seconds = 10;
  std::uint64_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--seconds") {
      seconds = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (option == "--seed") {
      seed = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      argc = 0;
    }
  }
  if (argc % 2 == 0) {
    static_cast<void>(std::fprintf(stderr, "usage: wsd_storm [--seconds N] [--seed S]\n"));
    return 2;
  }
  return wsd::storm::run(seconds, seed);
}
