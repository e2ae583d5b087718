#include "model/search.h"

#include <cstdio>

namespace wsd::model {

Search search_fault(const Suite& suite, const Weakening& weakening) {
  Search search;
  for (const NamedScenario& each : suite) {
    Explorer explorer(each.make);
    explorer.allow_spurious_failures(each.spurious);
    explorer.weaken(weakening);
    const Outcome outcome = explorer.explore();
    search.schedules += outcome.runs;
    if (!outcome.failure.empty()) {
      search.found = true;
      search.scenario = each.name;
      search.failure = outcome.failure;
      break;
    }
  }
  return search;
}

bool report(const std::string& name, const Search& search, const char* reason) {
  const auto schedules = static_cast<unsigned long long>(search.schedules);
  if (search.found) {
    std::printf("%s %s after %llu schedules (%s: %s)\n",
                reason == nullptr ? "found:" : "FAILED: argued, but found:", name.c_str(),
                schedules, search.scenario.c_str(), search.failure.c_str());
  } else if (reason != nullptr) {
    std::printf("argued: %s, in none of %llu schedules: %s\n", name.c_str(), schedules, reason);
  } else {
    std::printf("FAILED: not found: %s, in none of %llu schedules\n", name.c_str(), schedules);
  }
  std::fflush(stdout);
  return search.found == (reason == nullptr);
}

}  // namespace wsd::model
