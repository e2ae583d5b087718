// The scenarios in which calls are made to fail.
#pragma once

#include <span>
#include <string_view>

#include "faults/harness.h"

namespace wsd::faults {

struct Scenario {
  std::string_view name;
  Harness::Options options;
  void (*run)(Harness&);
  bool drained = false;  // the faults include the drain at the end
};

[[nodiscard]] std::span<const Scenario> scenarios();

}  // namespace wsd::faults
