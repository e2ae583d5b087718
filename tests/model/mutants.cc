#include "model/mutants.h"

#include <cstdio>
#include <string>

#include "model/faults.h"
#include "model/search.h"
#include "model/suite.h"

namespace wsd::model {
namespace {

struct Count {
  unsigned tried = 0;
  unsigned found = 0;
  bool good = true;

  void search(const std::string& name, const Suite& suite) {
    const Search search = search_fault(suite);
    ++tried;
    found += search.found ? 1U : 0U;
    good &= report(name, search, nullptr);  // no mutant behaves like the original
  }
};

}  // namespace

bool find_mutants() {
  Count count;
#define WSD_SEARCH_MAILBOX(name) count.search(#name, mailbox_suite<mutants::name::Mailbox>());
  WSD_MUTANTS_OF_mailbox(WSD_SEARCH_MAILBOX)
#define WSD_SEARCH_GATE(name) count.search(#name, flow_gate_suite<mutants::name::BasicFlowGate>());
      WSD_MUTANTS_OF_flow_gate(WSD_SEARCH_GATE)
#define WSD_SEARCH_COUNT(name) \
  count.search(#name, reference_count_suite<mutants::name::BasicReferenceCount>());
          WSD_MUTANTS_OF_reference_count(WSD_SEARCH_COUNT)
              std::printf("mutants: %u tried, %u found\n", count.tried, count.found);
  return count.good;
}

}  // namespace wsd::model
