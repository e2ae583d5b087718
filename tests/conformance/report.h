// Results for people (a table by group, a sentence for each case that is not OK) and for programs.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "conformance/case.h"
#include "conformance/verdict.h"

namespace wsconform {

struct Totals {
  std::size_t run = 0;
  std::size_t ok = 0;
  std::size_t non_strict = 0;
  std::size_t failed = 0;
  std::size_t informational = 0;
  std::size_t unimplemented = 0;
  std::size_t not_clean = 0;
  double seconds = 0;
};

// Of one group, or of all for 0.
[[nodiscard]] Totals totals(const std::vector<Result>& results, int group);

void print_table(const std::vector<Result>& results, std::FILE* out);
// "6.4.1 NON-STRICT: sent ..., expected ..., saw ..."; empty when there is nothing to say.
[[nodiscard]] std::string remark(const Case& test, const Result& result);

[[nodiscard]] bool write_json(const std::string& path, const std::vector<const Case*>& cases,
                              const std::vector<Result>& results);

}  // namespace wsconform
