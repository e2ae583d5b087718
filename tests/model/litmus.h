// Programs of a few lines whose outcomes under C++20's memory model are known: they judge the model
// of memory that everything else here stands on.
#pragma once

namespace wsd::model {

// Prints each; false when the outcomes of one are not exactly those that the standard allows.
[[nodiscard]] bool run_litmus_tests();

}  // namespace wsd::model
