// The server for clients under test, with the resources of the original's fuzzing server:
//
//   /getCaseCount             sends the number of cases as a text message and closes
//   /runCase?case=N&agent=X   runs the Nth of the cases, counted from 1
//   /updateReports?agent=X    closes, and ends the server
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conformance/case.h"
#include "conformance/verdict.h"

namespace wsconform {

struct ServeOptions {
  std::string host;
  std::string port;
  double patience = 1;
};

struct Served {
  std::string agent = {};
  std::vector<Result> results = {};  // sorted by case; of two runs of a case, the last
  std::string problem = {};          // why the server could not listen
};

// Prints "listening on HOST:PORT", then serves clients, one connection at a time, until one of them
// requests /updateReports. Calls `on_result` after each case.
[[nodiscard]] Served serve(const ServeOptions& options, const std::vector<const Case*>& cases,
                           const std::function<void(const Case&, const Result&)>& on_result);

}  // namespace wsconform
