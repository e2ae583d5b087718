// The index.json of the Autobahn Testsuite as results.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/verdict.h"

namespace wsconform {

struct AgentResults {
  std::string agent;
  std::vector<Result> results;
};

// Nothing: the text is not such an index.
[[nodiscard]] std::optional<std::vector<AgentResults>> parse_autobahn_index(std::string_view text);

}  // namespace wsconform
