// Reads the index.json that the Autobahn Testsuite writes, and checks that it is complete.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/verdict.h"

namespace wsconform {

// The results of one server ("agent") in the index.
struct AgentResults {
  std::string agent;
  std::vector<Result> results;        // of cases in the catalogue, sorted, one for each case
  std::vector<std::string> problems;  // sentences: cases that are missing, repeated or unknown
};

// Returns the results of each agent, in the order of the index. Returns nothing if the text is not
// an index with at least one agent.
[[nodiscard]] std::optional<std::vector<AgentResults>> parse_autobahn_index(std::string_view text);

}  // namespace wsconform
