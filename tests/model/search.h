// Searches all scenarios of a suite for one fault.
#pragma once

#include <cstdint>
#include <string>

#include "model/suite.h"

namespace wsd::model {

struct Search {
  bool found = false;
  std::uint64_t schedules = 0;  // executed before the fault was found
  std::string scenario;
  std::string failure;
};

[[nodiscard]] Search search_fault(const Suite& suite, const Weakening& weakening = {});

// Prints the result. `reason`: why the fault need not be found, or nullptr. Returns false if the
// fault is not found without a reason, or is found despite one.
[[nodiscard]] bool report(const std::string& name, const Search& search, const char* reason);

}  // namespace wsd::model
