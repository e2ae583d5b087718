#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "base/reference_count.h"
#include "hub/flow_gate.h"
#include "hub/mailbox.h"
#include "model/faults.h"
#include "model/search.h"
#include "model/suite.h"

namespace wsd::model {
namespace {

// Weaker orders that no scenario can distinguish from the order in the source, with the reason.
struct Unneeded {
  const char* site;
  const char* reason;
};
constexpr const char* kExchange =
    "it reads the newest bits whatever its order, and the seq_cst load before it decides";
constexpr Unneeded kUnneeded[] = {
    {"leave exchange, seq_cst -> acq_rel", kExchange},
    {"leave exchange, seq_cst -> acquire", kExchange},
    {"leave exchange, seq_cst -> release", kExchange},
    {"leave exchange, seq_cst -> relaxed", kExchange},
};

struct Subject {
  const char* name;
  Suite suite;
  std::vector<std::string> functions;  // of the header
};

std::vector<std::memory_order> weaker_than(std::memory_order order, bool only_reads) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  constexpr auto kAcquire = std::memory_order_acquire;
  constexpr auto kRelease = std::memory_order_release;
  constexpr auto kAcqRel = std::memory_order_acq_rel;
  switch (order) {
    case std::memory_order_seq_cst:
      if (only_reads) return {kAcquire, kRelaxed};
      return {kAcqRel, kAcquire, kRelease, kRelaxed};
    case std::memory_order_acq_rel:
      return {kAcquire, kRelease, kRelaxed};
    case std::memory_order_acquire:
    case std::memory_order_release:
      return {kRelaxed};
    default:
      return {};
  }
}

const char* name_of(std::memory_order order) {
  constexpr std::array<const char*, 6> kNames = {"relaxed", "consume", "acquire",
                                                 "release", "acq_rel", "seq_cst"};
  return kNames[static_cast<std::size_t>(order)];
}

// Returns the places at which the suite uses an order of the header.
std::vector<Weakening> sites_of(const Subject& subject) {
  std::vector<Weakening> found;
  for (const NamedScenario& each : subject.suite) {
    Explorer explorer(each.make);
    explorer.allow_spurious_failures(each.spurious);
    static_cast<void>(explorer.explore());
    for (const Weakening& site : explorer.sites()) {
      const std::string function = site.site.substr(0, site.site.find(' '));
      const bool known = std::any_of(found.begin(), found.end(),
                                     [&](const auto& one) { return one.site == site.site; });
      if (!known && std::count(subject.functions.begin(), subject.functions.end(), function) != 0) {
        found.push_back(site);
      }
    }
  }
  return found;
}

const char* reason_for(const std::string& name) {
  for (const Unneeded& each : kUnneeded) {
    if (name == each.site) return each.reason;
  }
  return nullptr;
}

}  // namespace

bool find_weakened_orders() {
  const std::vector<Subject> subjects = {
      {"mailbox", mailbox_suite<hub::Mailbox>(), {"push", "take", "arm"}},
      {"flow gate", flow_gate_suite<hub::BasicFlowGate>(), {"enter", "try_enter", "leave"}},
      {"reference count", reference_count_suite<BasicReferenceCount>(), {"add", "drop"}},
  };
  bool good = true;
  unsigned tried = 0;
  unsigned found = 0;
  for (const Subject& subject : subjects) {
    for (const Weakening& site : sites_of(subject)) {
      const bool only_reads = site.site.ends_with(" load") || site.site.ends_with("(failure)");
      for (const std::memory_order order : weaker_than(site.order, only_reads)) {
        const std::string name = site.site + ", " + name_of(site.order) + " -> " + name_of(order);
        ++tried;
        const Search search = search_fault(subject.suite, {site.site, order});
        found += search.found ? 1U : 0U;
        good &= report(name, search, reason_for(name));
      }
    }
  }
  std::printf("orders: %u weakenings tried, %u found, %u argued\n", tried, found, tried - found);
  return good;
}

}  // namespace wsd::model
