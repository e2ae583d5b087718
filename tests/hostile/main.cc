// wshostile: attacks the daemon while an honest client uses it, and prints a table of the results.
//
//   --quick        short attacks, which check responses, order, memory and the return to idle, but
//                  no durations
//   --only NAME    only scenarios whose name contains NAME
//   --list         their names
//
// The daemon is the environment variable WSD_BINARY, or ./wsd. Exit status 0: all passed. Linux.
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "hostile/honest.h"
#include "hostile/scenario.h"
#include "hostile/server.h"
#include "support/wire.h"

namespace hostile {
namespace {

// The limit for the honest client's p99 under attack, as a multiple of its p99 on an idle server.
constexpr double kLatencyFactor = 20;
constexpr double kLatencyAlwaysMs = 100;

// The memory that may remain after all connections have ended, because the allocator keeps it.
constexpr std::size_t kMarginKib = 8192;

struct Row {
  std::string name;
  std::size_t peers = 0;
  std::size_t idle_kib = 0;
  std::size_t peak_kib = 0;
  std::size_t after_kib = 0;
  std::size_t allowed_kib = 0;
  std::size_t kept_kib = kMarginKib;
  std::size_t idle_descriptors = 0;
  std::size_t descriptors = 0;
  HonestReport quiet;
  HonestReport attacked;
  HonestReport after;
  std::vector<std::string> faults;
  std::string skipped;
  std::string notes;
};

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + Attack::kPatience;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

void expect(Row& row, bool holds, const std::string& what) {
  if (!holds) row.faults.push_back(what);
}

void judge_honest(Row& row, const HonestReport& report, const std::string& when) {
  expect(row, report.fault.empty(), when + ": " + report.fault);
}

// After the attack, descriptors and memory must be free again, and a new client must be served.
void judge_aftermath(Row& row, Server& server) {
  eventually([&] { return server.descriptors() <= row.idle_descriptors; });
  row.descriptors = server.descriptors();
  expect(row, row.descriptors <= row.idle_descriptors,
         "descriptors are back: " + std::to_string(row.idle_descriptors) + " before, " +
             std::to_string(row.descriptors) + " after");
  eventually([&] { return server.resident_kib() <= row.idle_kib + row.kept_kib; });
  row.after_kib = server.resident_kib();
  expect(row, row.after_kib <= row.idle_kib + row.kept_kib,
         "memory is back: " + std::to_string(row.idle_kib) + " KiB before, " +
             std::to_string(row.after_kib) + " after");
  Swarm newcomers(server.port());
  Peer& peer = newcomers.open("/echo");
  newcomers.send(peer, e2e::text_frame("new here"));
  expect(row, newcomers.until([&] { return peer.messages == 1; }, Attack::kPatience),
         "a newcomer is served");
}

void judge(Row& row, bool quick) {
  const std::size_t bound = row.idle_kib + row.allowed_kib;
  expect(row, row.peak_kib <= bound,
         "memory stays under " + std::to_string(bound) + " KiB: " + std::to_string(row.peak_kib));
  if (quick) return;
  const double bound_ms = std::max(kLatencyAlwaysMs, kLatencyFactor * row.quiet.p99_ms);
  expect(row, row.attacked.p99_ms <= bound_ms,
         "the honest client's p99 stays under " + std::to_string(bound_ms) +
             " ms: " + std::to_string(row.attacked.p99_ms));
}

Row run(const Scenario& scenario, bool quick) {
  Row row;
  row.name = scenario.name;
  Server server(scenario.flags, scenario.descriptors);
  {
    Honest honest(server.port(), quick ? 200 : 1200);
    row.quiet = honest.report();
    judge_honest(row, row.quiet, "before the attack");
    row.idle_kib = server.resident_kib();
    row.idle_descriptors = server.descriptors();
    {
      Attack attack(server, quick);
      scenario.run(attack);
      row.attacked = honest.report();
      row.peak_kib = server.peak_kib();
      row.allowed_kib = attack.allowed_kib();
      row.kept_kib += attack.kept_kib();
      row.peers = attack.swarm().peers().size();
      row.faults.insert(row.faults.end(), attack.faults().begin(), attack.faults().end());
      row.skipped = attack.skipped();
      row.notes = attack.notes();
      expect(row, attack.swarm().faults().empty(),
             "the server sends only valid bytes:" + attack.swarm().faults());
    }
    judge_honest(row, row.attacked, "under attack");
    judge_aftermath(row, server);
    row.after = honest.report();
    judge_honest(row, row.after, "after the attack");
  }
  judge(row, quick);
  const std::string end = server.end();
  expect(row, end.empty(), end);
  return row;
}

// A server that crashes or cannot start fails its scenario, but not the run.
Row run_guarded(const Scenario& scenario, bool quick) {
  try {
    return run(scenario, quick);
  } catch (const std::exception& error) {
    Row row;
    row.name = scenario.name;
    row.faults.emplace_back(error.what());
    return row;
  }
}

const char* verdict(const Row& row) {
  if (!row.faults.empty()) return "FAILED";
  return row.skipped.empty() ? "passed" : "skipped";
}

void print_head() {
  std::printf("%-26s %6s  %-7s  %8s %8s %8s %8s  %-17s  %s\n", "", "", "", "idle", "peak", "bound",
              "after", "echo p99, ms", "descriptors");
  std::printf("%-26s %6s  %-7s  %8s %8s %8s %8s  %-17s  %s\n", "scenario", "peers", "verdict",
              "KiB", "KiB", "KiB", "KiB", "idle -> attacked", "idle -> after");
}

void print_row(const Row& row) {
  std::array<char, 64> latency{};
  std::snprintf(latency.data(), latency.size(), "%.2f -> %.2f", row.quiet.p99_ms,
                row.attacked.p99_ms);
  std::printf("%-26s %6zu  %-7s  %8zu %8zu %8zu %8zu  %-17s  %zu -> %zu\n", row.name.c_str(),
              row.peers, verdict(row), row.idle_kib, row.peak_kib, row.idle_kib + row.allowed_kib,
              row.after_kib, latency.data(), row.idle_descriptors, row.descriptors);
  if (!row.notes.empty()) std::printf("    %s\n", row.notes.c_str());
  if (!row.skipped.empty()) std::printf("    skipped: %s\n", row.skipped.c_str());
  for (const std::string& fault : row.faults) std::printf("    expected: %s\n", fault.c_str());
  std::fflush(stdout);
}

void raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all;
  for (auto make : {&http_scenarios, &frame_scenarios, &message_scenarios, &room_scenarios}) {
    for (Scenario& scenario : make()) all.push_back(std::move(scenario));
  }
  return all;
}

int run_all(const std::string& only, bool quick) {
  raise_file_limit();
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::size_t skipped = 0;
  std::string failures;  // repeated at the end, because a log may be cut at its front
  print_head();
  for (const Scenario& scenario : all_scenarios()) {
    if (scenario.name.find(only) == std::string::npos) continue;
    const Row row = run_guarded(scenario, quick);
    print_row(row);
    ++(!row.faults.empty() ? failed : row.skipped.empty() ? passed : skipped);
    for (const std::string& fault : row.faults) {
      failures += "failed: " + row.name + ", expected: " + fault + "\n";
    }
  }
  if (quick) std::printf("latencies are shown, not judged\n");
  std::fputs(failures.c_str(), stdout);
  std::printf("hostile: %zu scenarios passed, %zu failed", passed, failed);
  if (skipped != 0) std::printf(", %zu skipped", skipped);
  std::printf("\n");
  return failed == 0 && passed > 0 ? 0 : 1;
}

int usage() {
  std::fprintf(stderr, "usage: wshostile [--quick] [--only NAME] [--list]\n");
  return 2;
}

int run_program(const std::vector<std::string>& arguments) {
  std::string only;
  bool quick = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool has_value = i + 1 < arguments.size();
    if (arguments[i] == "--quick") {
      quick = true;
    } else if (arguments[i] == "--only" && has_value) {
      only = arguments[++i];
    } else if (arguments[i] == "--honest" && i + 2 < arguments.size()) {
      return run_honest(static_cast<std::uint16_t>(std::stoul(arguments[i + 1])),
                        std::stoul(arguments[i + 2]));
    } else if (arguments[i] == "--list") {
      for (const Scenario& scenario : all_scenarios()) std::printf("%s\n", scenario.name.c_str());
      return 0;
    } else {
      return usage();
    }
  }
  return run_all(only, quick);
}

}  // namespace
}  // namespace hostile

int main(int argc, char** argv) {
  try {
    return hostile::run_program({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wshostile: %s\n", error.what());
    return 1;
  }
}
