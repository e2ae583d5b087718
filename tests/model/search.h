// One fault, looked for in all scenarios of a suite.
#pragma once

#include <cstdint>
#include <string>

#include "model/suite.h"

namespace wsd::model {

struct Search {
  bool found = false;
  std::uint64_t schedules = 0;  // executed until then
  std::string scenario;
  std::string failure;
};

[[nodiscard]] Search search_fault(const Suite& suite, const Weakening& weakening = {});

// Prints it. `reason`: why it need not be found, or nullptr. False when it is not found without a
// reason, or found in spite of one.
[[nodiscard]] bool report(const std::string& name, const Search& search, const char* reason);

}  // namespace wsd::model
