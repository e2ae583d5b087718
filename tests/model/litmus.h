// Short programs with known outcomes under C++20's memory model. They verify the model of memory on
// which everything else here depends.
#pragma once

namespace wsd::model {

// Prints each program. Returns false if its outcomes are not exactly those that the standard
// allows.
[[nodiscard]] bool run_litmus_tests();

}  // namespace wsd::model
