// Whether the explorer finds what is wrong: each order of the headers weakened, each mutant.
#pragma once

namespace wsd::model {

// Prints each fault; false when one is not found that should be.
[[nodiscard]] bool find_weakened_orders();
[[nodiscard]] bool find_mutants();

}  // namespace wsd::model
