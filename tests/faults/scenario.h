// The scripts under which calls are made to fail.
#pragma once

#include <span>
#include <string_view>

#include "faults/stage.h"

namespace wsd::faults {

struct Scenario {
  std::string_view name;
  Stage::Options options;
  void (*run)(Stage&);
  bool drained = false;  // the drain at the end is part of what fails
};

[[nodiscard]] std::span<const Scenario> scenarios();

}  // namespace wsd::faults
