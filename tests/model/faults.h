// Checks that the explorer finds faults: each weakened memory order of the headers, and each
// mutant.
#pragma once

namespace wsd::model {

// Prints each fault. Returns false if a fault that must be found is not.
[[nodiscard]] bool find_weakened_orders();
[[nodiscard]] bool find_mutants();

}  // namespace wsd::model
