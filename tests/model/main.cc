// make model: explores every interleaving of the lock-free parts, and then of their mutants.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/assert.h"
#include "base/reference_count.h"
#include "hub/flow_gate.h"
#include "hub/mailbox.h"
#include "model/faults.h"
#include "model/litmus.h"
#include "model/suite.h"

namespace wsd {

// Replaces the library's function: a failed assertion is reported like other findings.
void assertion_failed(const char* expression, const char* /*file*/, int /*line*/) noexcept {
  model::Explorer::current().fail(std::string("assertion: ") + expression);
  std::abort();
}

}  // namespace wsd

namespace wsd::model {
namespace {

void print_failure(const Outcome& outcome) {
  std::printf("  %s\n", outcome.failure.c_str());
  for (const std::string& step : outcome.trail) std::printf("    %s\n", step.c_str());
}

// Returns whether merging states neither loses nor invents a schedule. If there are few schedules,
// they are also counted one by one.
bool merging_is_exact(const NamedScenario& scenario, const Outcome& merged) {
  constexpr double kFew = 300'000;
  if (!merged.failure.empty() || merged.schedules > kFew) return true;
  Explorer explorer(scenario.make);
  explorer.allow_spurious_failures(scenario.spurious);
  explorer.merge_no_states();
  const Outcome single = explorer.explore();
  const bool good = single.failure.empty() && static_cast<double>(single.runs) == merged.schedules;
  std::printf("%s the same, one by one: %llu schedules\n",
              good ? "counted:" : "FAILED:", static_cast<unsigned long long>(single.runs));
  return good;
}

bool explore_all(const char* subject, const Suite& suite) {
  bool good = true;
  for (const NamedScenario& each : suite) {
    Explorer explorer(each.make);
    explorer.allow_spurious_failures(each.spurious);
    const Outcome outcome = explorer.explore();
    std::printf("%s %s: %s: %.4g schedules in %llu states, %llu runs\n",
                outcome.failure.empty() ? "explored:" : "FAILED:", subject, each.name.c_str(),
                outcome.schedules, static_cast<unsigned long long>(outcome.states),
                static_cast<unsigned long long>(outcome.runs));
    if (!outcome.failure.empty()) print_failure(outcome);
    good = good && outcome.failure.empty() && merging_is_exact(each, outcome);
    std::fflush(stdout);
  }
  return good;
}

}  // namespace
}  // namespace wsd::model

int main() {
  using namespace wsd::model;  // NOLINT
  bool good = run_litmus_tests();
  good &= explore_all("mailbox", mailbox_suite<wsd::hub::Mailbox>());
  good &= explore_all("flow gate", flow_gate_suite<wsd::hub::BasicFlowGate>());
  good &= explore_all("reference count", reference_count_suite<wsd::BasicReferenceCount>());
  good &= explore_all("shard", shard_suite<wsd::hub::Mailbox, wsd::hub::BasicFlowGate>());
  good &= find_weakened_orders();
  good &= find_mutants();
  std::puts(good ? "model: all that must hold holds, and every fault was found or argued away"
                 : "model: FAILED");
  return good ? 0 : 1;
}
